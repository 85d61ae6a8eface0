# SPDX-License-Identifier: Apache-2.0
# Run after linking: EXECUTABLE, PREFIX, LABEL, TIMEOUT and OUTPUT are given.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${EXECUTABLE} --list-test-cases OUTPUT_VARIABLE listed
                COMMAND_ERROR_IS_FATAL ANY)
# In a list of CMake brackets hide semicolons, and semicolons separate: both stand aside meanwhile.
string(ASCII 1 open)
string(ASCII 2 close)
string(ASCII 3 semicolon)
string(REPLACE "[" "${open}" listed "${listed}")
string(REPLACE "]" "${close}" listed "${listed}")
string(REPLACE ";" "${semicolon}" listed "${listed}")
string(REPLACE "\n" ";" lines "${listed}")

set(seen "")
set(script "")
foreach(line IN LISTS lines)
  if(line STREQUAL "" OR line MATCHES "^=+$" OR line MATCHES "^${open}doctest${close}")
    continue()
  endif()
  string(REPLACE "${open}" "[" name "${line}")
  string(REPLACE "${close}" "]" name "${name}")
  string(REPLACE "${semicolon}" ";" name "${name}")
  if(line IN_LIST seen)
    message(FATAL_ERROR "${EXECUTABLE} has two test cases called: ${name}")
  endif()
  list(APPEND seen "${line}")
  # A filter is a list with commas.
  string(REPLACE "," "\\," filter "${name}")
  # doctest calls a filter that matches nothing a success: no test passes by not being found.
  string(APPEND script
         "add_test([==[${PREFIX}: ${name}]==] [==[${EXECUTABLE}]==] [==[--test-case=${filter}]==])\n"
         "set_tests_properties([==[${PREFIX}: ${name}]==] PROPERTIES LABELS ${LABEL}\n"
         "  TIMEOUT ${TIMEOUT} SKIP_REGULAR_EXPRESSION ORRERY_TEST_SKIPPED\n"
         "  FAIL_REGULAR_EXPRESSION \"test cases: +0 \")\n")
endforeach()
if(NOT seen)
  message(FATAL_ERROR "${EXECUTABLE} has no test case")
endif()
file(WRITE ${OUTPUT} "${script}")
