# SPDX-License-Identifier: Apache-2.0
# Run by every build: SOURCE_DIR, VERSION, TEMPLATE and OUTPUT are given. A source tree without git
# has the commit "unknown"; a tree whose tracked files differ from the commit says so.
cmake_minimum_required(VERSION 3.25)

set(COMMIT unknown)
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE_DIR}/.git)
  # Whoever builds need not own the tree (a container's root), which git would otherwise refuse.
  set(git ${GIT} -c safe.directory=${SOURCE_DIR} -C ${SOURCE_DIR})
  execute_process(COMMAND ${git} rev-parse --short=12 HEAD OUTPUT_VARIABLE head RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    set(COMMIT ${head})
    execute_process(COMMAND ${git} diff-index --quiet HEAD -- RESULT_VARIABLE changed ERROR_QUIET)
    if(changed)
      string(APPEND COMMIT +changes)
    endif()
  endif()
endif()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
