/* The data files, as they are, inside the program. */
	.section .rodata
	.macro embed symbol, file
	.globl \symbol
	.globl \symbol\()_end
\symbol:
	.incbin "\file"
\symbol\()_end:
	.byte 0
	.endm

	embed registry_services_tsv, "services.tsv"
	embed registry_overlays_tsv, "overlays.tsv"
	embed registry_companions_tsv, "companions.tsv"
	embed ruleset_example, "../nft/example.nft"

	.section .note.GNU-stack, "", %progbits
