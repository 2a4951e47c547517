# Compiler flags, ccache and a quick linker where they are installed.
find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers are cached only when told that their time stamps do not matter; paths are kept out of
  # the keys, so that another checkout finds the same objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(signalbox_flags INTERFACE)
target_compile_options(signalbox_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch -Wnon-virtual-dtor -Werror
  # g++ 12 sees these in inlined library code where there is nothing to mend (GCC 105329, 105562, 105651);
  # whether it does depends on as little as the length of the checkout's path.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized;-Wno-dangling-pointer>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>
  -fno-omit-frame-pointer)
target_include_directories(signalbox_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(SIGNALBOX_CRASH_POINTS)
  target_compile_definitions(signalbox_flags INTERFACE SIGNALBOX_CRASH_POINTS)
endif()
if(SIGNALBOX_SANITIZE)
  add_compile_options(-fsanitize=${SIGNALBOX_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SIGNALBOX_SANITIZE})
endif()
