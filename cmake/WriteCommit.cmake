# Writes `header` for the commit that `source` is at; "+" says that something differs from it. Empty outside a repository.
set(commit "")
if(EXISTS ${source}/.git)
  execute_process(COMMAND git -C ${source} describe --always --dirty=+ --abbrev=9 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT ${header} CONTENT "#define SIGNALBOX_COMMIT \"@commit@\"\n" @ONLY)
