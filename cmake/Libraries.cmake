# Debian 12's libraries. CAF and LMDB bring no CMake files; cpp-httplib must be used with its pkg-config flags,
# or the sizes of its types differ between us and the shared library.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Boost 1.81 REQUIRED)

pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(prometheus REQUIRED IMPORTED_TARGET prometheus-cpp-core)
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb)

find_library(CAF_CORE_LIBRARY caf_core REQUIRED)
add_library(caf::core INTERFACE IMPORTED)
target_link_libraries(caf::core INTERFACE ${CAF_CORE_LIBRARY} Threads::Threads)

find_library(BOOST_JSON_LIBRARY boost_json REQUIRED)
add_library(Boost::json_library INTERFACE IMPORTED)
target_link_libraries(Boost::json_library INTERFACE ${BOOST_JSON_LIBRARY} Boost::headers)
