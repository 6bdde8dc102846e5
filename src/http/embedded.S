/* The files of the web page, byte for byte. src/http/assets.cpp names them. */

    .section .rodata

    .macro embed name, file
    .global quicksilver_embedded_\name\()_begin
    .global quicksilver_embedded_\name\()_end
quicksilver_embedded_\name\()_begin:
    .incbin "\file"
quicksilver_embedded_\name\()_end:
    .byte 0
    .endm

    embed index_html, "index.html"
    embed status_css, "status.css"
    embed status_js, "status.js"
    embed favicon_svg, "favicon.svg"

/* Without this note the whole program would get an executable stack. */
    .section .note.GNU-stack,"",@progbits
