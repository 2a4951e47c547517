# Plugins (docs/plugins.md), as shared objects or linked into the daemon.
set(SIGNALBOX_LINKED_PLUGINS "" CACHE STRING "Folders of plugins to link into the daemon; each is called as its folder")

# signalbox_plugin(NAME SOURCES ... [LINKS ...]): build/<preset>/plugins/NAME.so. It sees actors/plugin.hpp and nothing else.
function(signalbox_plugin name)
  cmake_parse_arguments(PLUGIN "" "" "SOURCES;LINKS" ${ARGN})
  add_library(plugin_${name} MODULE ${PLUGIN_SOURCES})
  target_link_libraries(plugin_${name} PRIVATE signalbox_flags ${PLUGIN_LINKS})
  set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name} CXX_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
endfunction()

# signalbox_link_plugin(TARGET FOLDER): FOLDER/*.cpp as part of TARGET; its entry point becomes signalbox_plugin_<folder>(),
# since there is one signalbox_plugin() only.
function(signalbox_link_plugin target folder)
  get_filename_component(name ${folder} NAME)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  if(NOT sources)
    message(FATAL_ERROR "there is no plugin in ${folder}")
  endif()
  add_library(${target}_plugin_${name} OBJECT ${sources})
  target_link_libraries(${target}_plugin_${name} PRIVATE signalbox_flags Boost::json_library)
  target_compile_definitions(${target}_plugin_${name} PRIVATE signalbox_plugin=signalbox_plugin_${name})
  target_link_libraries(${target} PRIVATE ${target}_plugin_${name} Boost::json_library)
endfunction()

# signalbox_link_plugins(TARGET): all of SIGNALBOX_LINKED_PLUGINS, and the table of them that cli/serve/plugin_library.hpp promises.
function(signalbox_link_plugins target)
  set(declarations "")
  set(entries "")
  foreach(folder ${SIGNALBOX_LINKED_PLUGINS})
    get_filename_component(folder ${folder} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    get_filename_component(name ${folder} NAME)
    signalbox_link_plugin(${target} ${folder})
    string(APPEND declarations "extern \"C\" const signalbox::plugin::Entry* signalbox_plugin_${name}();\n")
    string(APPEND entries "      {\"${name}\", signalbox_plugin_${name}},\n")
  endforeach()
  set(table ${CMAKE_CURRENT_BINARY_DIR}/generated/linked_plugins.cpp)
  file(CONFIGURE OUTPUT ${table} @ONLY CONTENT "// Made by cmake/Plugins.cmake.
#include \"cli/serve/plugin_library.hpp\"

${declarations}
namespace signalbox::cli {

const std::vector<LinkedPlugin>& linked_plugins() {
  static const std::vector<LinkedPlugin> table{
${entries}  };
  return table;
}

}  // namespace signalbox::cli
")
  target_sources(${target} PRIVATE ${table})
  set_source_files_properties(${table} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
