# The dashboard's files and the description of the API, compiled in. Run with -P it writes the C++ file; included it defines
#   signalbox_assets(TARGET): dashboard/, Debian's Chart.js and http/openapi.json as sources of TARGET.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(SIGNALBOX_ASSETS_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
  set(SIGNALBOX_CHART_JS /usr/share/javascript/chart.js/chart.min.js CACHE FILEPATH
      "Chart.js 3 as one script (Debian: libjs-chart.js); without it the dashboard has no charts")

  function(signalbox_assets target)
    set(folder ${PROJECT_SOURCE_DIR}/dashboard)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*.html ${folder}/*.css ${folder}/*.js ${folder}/*.svg)
    set(chart "")
    if(EXISTS ${SIGNALBOX_CHART_JS})
      set(chart ${SIGNALBOX_CHART_JS})
    else()
      message(STATUS "no Chart.js at ${SIGNALBOX_CHART_JS}: the dashboard will have no charts")
    endif()
    set(output ${CMAKE_CURRENT_BINARY_DIR}/generated/dashboard_assets.cpp)
    add_custom_command(OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFOLDER=${folder} "-DFILES=${files}" -DCHART=${chart}
              -DOPENAPI=${PROJECT_SOURCE_DIR}/http/openapi.json
              -P ${SIGNALBOX_ASSETS_SCRIPT}
      DEPENDS ${files} ${chart} ${PROJECT_SOURCE_DIR}/http/openapi.json ${SIGNALBOX_ASSETS_SCRIPT} VERBATIM COMMENT "Dashboard assets")
    target_sources(${target} PRIVATE ${output})
    set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endfunction()
  return()
endif()

set(entries "")
function(add_asset path file)
  string(REGEX MATCH "[a-z]+$" ending ${file})
  set(type_html "text/html; charset=utf-8")
  set(type_css "text/css; charset=utf-8")
  set(type_js "text/javascript; charset=utf-8")
  set(type_svg "image/svg+xml")
  set(type_json "application/json")
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 32 hash)
  file(SIZE ${file} size)
  file(READ ${file} hex HEX)
  # All bytes as escapes (a hex escape ends only at what is no hex digit), some hundred to a line.
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${hex}")
  string(REPEAT "...." 120 line)
  string(REGEX REPLACE "(${line})" "\\1\"\n\"" bytes "${bytes}")
  string(APPEND entries
    "    {\"${path}\", \"${type_${ending}}\", \"\\\"${hash}\\\"\",\n     std::string_view{\"${bytes}\", ${size}}},\n")
  set(entries "${entries}" PARENT_SCOPE)
endfunction()

foreach(file ${FILES})
  file(RELATIVE_PATH name ${FOLDER} ${file})
  if(name STREQUAL "index.html")
    add_asset("/" ${file})
  else()
    add_asset("/assets/${name}" ${file})
  endif()
endforeach()
if(NOT CHART)
  set(CHART ${OUTPUT}.no_chart.js)
  file(WRITE ${CHART} "// This build has no Chart.js.\n")
endif()
add_asset("/assets/chart.js" ${CHART})
add_asset("/openapi.json" ${OPENAPI})

file(WRITE ${OUTPUT} "// Made by cmake/Assets.cmake from dashboard/.
#include <algorithm>
#include <array>

#include \"http/surfaces/assets.hpp\"

namespace signalbox::http {
namespace {

const std::array assets = std::to_array<Asset>({
${entries}});

}  // namespace

const Asset* find_asset(std::string_view path) {
  const auto* found = std::find_if(assets.begin(), assets.end(),
                                   [&](const Asset& asset) { return asset.path == path; });
  return found == assets.end() ? nullptr : found;
}

}  // namespace signalbox::http
")
