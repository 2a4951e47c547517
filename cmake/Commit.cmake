# Which commit is built, as a header. It is looked at with every build, and written only when it has changed, so that a
# commit costs one file and a link.
set(commit_folder ${CMAKE_BINARY_DIR}/commit)
add_custom_target(commit_header
  COMMAND ${CMAKE_COMMAND} -D source=${PROJECT_SOURCE_DIR} -D header=${commit_folder}/commit.hpp
          -P ${PROJECT_SOURCE_DIR}/cmake/WriteCommit.cmake
  BYPRODUCTS ${commit_folder}/commit.hpp)

# signalbox_names_commit(TARGET): TARGET has cli/build_name.cpp among its sources, of this folder's CMakeLists.txt.
function(signalbox_names_commit target)
  add_dependencies(${target} commit_header)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/cli/build_name.cpp PROPERTIES
    INCLUDE_DIRECTORIES ${CMAKE_BINARY_DIR}/commit COMPILE_DEFINITIONS SIGNALBOX_VERSION="${PROJECT_VERSION}")
endfunction()
