# The experiments' files, compiled in, so that the installed binary has them. Run with -P it writes the C++ file; included
# it defines
#   signalbox_experiments(TARGET): simulations/experiments/ as a source of TARGET.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(SIGNALBOX_EXPERIMENTS_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(signalbox_experiments target)
    set(folder ${PROJECT_SOURCE_DIR}/simulations/experiments)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*.yaml)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/generated/builtin_experiments.cpp)
    add_custom_command(OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFOLDER=${folder} "-DFILES=${files}"
              -P ${SIGNALBOX_EXPERIMENTS_SCRIPT}
      DEPENDS ${files} ${SIGNALBOX_EXPERIMENTS_SCRIPT} VERBATIM COMMENT "Experiments")
    target_sources(${target} PRIVATE ${output})
    set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endfunction()
  return()
endif()

set(entries "")
foreach(file ${FILES})
  file(RELATIVE_PATH name ${FOLDER} ${file})
  file(READ ${file} text)
  string(FIND "${text}" ")yaml\"" end)
  if(NOT end EQUAL -1)
    message(FATAL_ERROR "${file} has the delimiter of its raw string in it")
  endif()
  string(APPEND entries "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()

file(WRITE ${OUTPUT} "// Made by cmake/Experiments.cmake from simulations/experiments/.
#include \"simulations/lab/builtin_experiments.hpp\"

#include <array>

namespace signalbox::sim {
namespace {

constexpr std::array files = std::to_array<BuiltinFile>({
${entries}});

}  // namespace

std::span<const BuiltinFile> builtin_files() {
  return files;
}

}  // namespace signalbox::sim
")
