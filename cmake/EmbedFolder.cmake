# quicksilver_embed_folder(TARGET FOLDER): puts every file of the folder into the library, byte for byte and, where it
# gets smaller by that, packed with gzip. include/quicksilver/http/assets.hpp serves them; src/http/embedded_file.hpp
# reads the table that is made here.

function(quicksilver_embed_folder target folder)
  file(GLOB_RECURSE names RELATIVE ${folder} CONFIGURE_DEPENDS ${folder}/*)
  list(SORT names)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_files.S)
  set(packed_folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(inputs)
  set(entries "")
  foreach(name IN LISTS names)
    list(APPEND inputs ${folder}/${name})
    set(packed "")
    if(name MATCHES "\\.(html|css|js|mjs|json|map|svg|txt|webmanifest)$")
      set(packed_file ${packed_folder}/${name}.gz)
      get_filename_component(into ${packed_file} DIRECTORY)
      file(MAKE_DIRECTORY ${into})
      add_custom_command(OUTPUT ${packed_file} COMMAND gzip -9nc ${folder}/${name} > ${packed_file}
                         DEPENDS ${folder}/${name} VERBATIM)
      list(APPEND inputs ${packed_file})
      set(packed "    .incbin \"${packed_file}\"\n")
    endif()
    string(APPEND entries
           "    .section .rodata\n"
           "1:  .asciz \"${name}\"\n"
           "2:  .incbin \"${folder}/${name}\"\n"
           "3:\n${packed}"
           "4:  .section .data.rel.ro, \"aw\"\n"
           "    .quad 1b, 2b, 3b, 4b\n")
  endforeach()
  file(CONFIGURE OUTPUT ${source} CONTENT
"    .section .data.rel.ro, \"aw\"
    .balign 8
    .global quicksilver_embedded_begin
    .global quicksilver_embedded_end
quicksilver_embedded_begin:
${entries}
quicksilver_embedded_end:

/* Without this note the whole program would get an executable stack. */
    .section .note.GNU-stack,\"\",@progbits
" @ONLY)
  # The assembler reads the files by .incbin, which the build cannot see by itself.
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${inputs}")
  target_sources(${target} PRIVATE ${source})
endfunction()
