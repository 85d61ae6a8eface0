# SPDX-License-Identifier: Apache-2.0
# orrery_discover_tests(kv_test LABEL fast TIMEOUT 300): each doctest case of that executable becomes
# a test of ctest, called `kv: its name`. doctest's own function for this loses every test of a
# program in which one name has a square bracket, and takes a name twice for two tests.
function(orrery_discover_tests target)
  cmake_parse_arguments(DISCOVER "" "LABEL;TIMEOUT" "" ${ARGN})
  set(tests_file ${CMAKE_CURRENT_BINARY_DIR}/${target}_tests.cmake)
  set(include_file ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
  string(REGEX REPLACE "_test$" "" prefix ${target})
  add_custom_command(
    TARGET ${target} POST_BUILD BYPRODUCTS ${tests_file} VERBATIM
    COMMAND ${CMAKE_COMMAND} -D EXECUTABLE=$<TARGET_FILE:${target}> -D PREFIX=${prefix}
            -D LABEL=${DISCOVER_LABEL} -D TIMEOUT=${DISCOVER_TIMEOUT} -D OUTPUT=${tests_file}
            -P ${CMAKE_SOURCE_DIR}/cmake/list_doctest_cases.cmake)
  # A program that was not built is a failing test, not a missing one.
  file(WRITE ${include_file} "if(EXISTS \"${tests_file}\")\n  include(\"${tests_file}\")\n"
                             "else()\n  add_test(${target}_was_not_built ${target}_was_not_built)\n"
                             "endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include_file})
endfunction()
