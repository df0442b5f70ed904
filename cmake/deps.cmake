# The six libraries the project is built on, and the few that serve the edges.
# Why each is here: docs/dependencies.md. Minimums are what was tried.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb>=0.9.24)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(MSGPACK REQUIRED IMPORTED_TARGET msgpack>=4.0)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih>=55)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1>=0.2.5)
pkg_check_modules(SMARTCOLS REQUIRED IMPORTED_TARGET smartcols>=2.38)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive>=3.6)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas>=0.3.21)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka>=1.1.5)
# For the oracle of tests/oracle alone; the package has no .pc file.
find_path(GLPK_INCLUDE glpk.h)
find_library(GLPK_LIBRARY glpk)
# For bench_sched_decompose alone, likewise.
find_path(METIS_INCLUDE metis.h)
find_library(METIS_LIBRARY metis)
find_package(nng 1.5.2 CONFIG REQUIRED)
