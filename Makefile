# portscribe: counts packets per port in the kernel and explains firewalls.
#
#   make            build build/portscribe (no root needed)
#   make run        install what is missing, build, look at this machine for 10 seconds
#   make test       install what the tests need, build, run them all
#   make demo       a story in two network namespaces, and what the audit says of it
#   make bench      measure against the figures in tests/bench/README.md
#   make install    PREFIX=/usr/local DESTDIR=; uninstall takes it back
#   make clean
#
#   make asan       build/asan/portscribe with the address and undefined-behaviour
#                   sanitizers; asan-test runs the tests of it
#   make check-warnings   compile everything with gcc and with clang, no warning allowed
#   make fuzz       feed the readers of files with nonsense, FUZZ_SECONDS=60 each
#   make test-kernels     attach under other kernels in virtual machines (x86-64)
#   make lint, format     the style of C, shell and the manual page
#
# V=1 shows the commands. The way of a BPF file: bpf/X.bpf.c -> build/X.bpf.o
# -> build/X.skel.h, which is included by the one user file that loads it.

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
SBINDIR  = $(PREFIX)/sbin
UNITDIR  = $(PREFIX)/lib/systemd/system
UNITS    = portscribe.service portscribe-watch.service

ifeq ($(origin CC),default)
CC      := cc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/local/sbin/bpftool /usr/sbin/bpftool /sbin/bpftool /usr/bin/bpftool) bpftool)

BUILD   ?= build
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null || gcc -print-multiarch 2>/dev/null)

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla -Wformat=2 \
           -Wno-format-nonliteral -Wno-unused-parameter -Werror=implicit-function-declaration \
           $(if $(WERROR),-Werror)
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) $(SANITIZE) -fno-strict-aliasing \
           -ffile-prefix-map=$(CURDIR)=. \
           -D_GNU_SOURCE -DPORTSCRIBE_VERSION='"$(VERSION)"' \
           -Iinclude -Iuser -Ivmlinux -I$(BUILD)
LIBS    := -lbpf -lelf -lz -lmnl -ljansson -lexpat -lmd
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter \
           $(if $(WERROR),-Werror) -ffile-prefix-map=$(CURDIR)=. \
           -Iinclude -Ibpf -Ivmlinux $(if $(MULTIARCH),-I/usr/include/$(MULTIARCH))

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' $(1) $(2)
endif

SOURCES := $(sort $(wildcard user/*.c user/*/*.c user/*/*/*.c))
DATA    := user/registry/data.S
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(DATA:%.S=$(BUILD)/%.o)
# What tests link: everything but main().
PARTS   := $(filter-out $(BUILD)/user/main.o,$(OBJECTS))

SKELS   := $(patsubst bpf/%.bpf.c,$(BUILD)/%.skel.h,$(sort $(wildcard bpf/*.bpf.c)))

# A program each: tests/D/test_X.c with cmocka, the rest are tools of other tests.
# tests/bench/run compiles what it measures by itself.
TEST_SOURCES := $(filter-out %.bpf.c,$(sort $(wildcard tests/unit/test_*.c tests/bpf/test_*.c \
                  tests/net/*.c tests/bench/*.c)))
TESTS        := $(TEST_SOURCES:%.c=$(BUILD)/%)

# tests/fuzz/fuzz_X.c with clang's libFuzzer, whatever CC is, over the parts that
# need neither kernel nor root. In an archive, so that each takes what it needs.
FUZZ         := build/fuzz
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZERS      := $(FUZZ_SOURCES:%.c=$(FUZZ)/%)
FUZZ_PARTS   := $(patsubst %.c,$(FUZZ)/%.o,$(sort $(wildcard user/registry/*.c user/nft/*.c \
                  user/util/*.c user/listeners/policy*.c user/listeners/words.c user/listeners/cgroup.c \
                  user/render/text.c user/what.c user/reach/*.c user/nft/live/attribute.c \
                  user/nft/live/kernel.c user/net/netlink.c)))
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS   = $(ALL_CFLAGS) -O1 -fsanitize=fuzzer-no-link,address,undefined \
                  -fno-sanitize-recover=all -fno-omit-frame-pointer

# As many jobs as processors, unless make was told how many.
SUBMAKE = $(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
SUDO    = $(shell [ "$$(id -u)" = 0 ] || command -v sudo || echo no-sudo)

.PHONY: all tests fuzzers fuzz-objects run test demo fuzz bench test-kernels asan asan-test check-warnings lint format \
        install uninstall clean have-needs have-test-needs have-fuzz-needs
all: $(BUILD)/portscribe
tests: $(TESTS)
fuzzers: $(FUZZERS)

# One line instead of a compiler's hundred.
have-needs:
	@CC='$(CC)' .ci/needs --check build
have-test-needs: have-needs
	@CC='$(CC)' .ci/needs --check test
have-fuzz-needs:
	@.ci/needs --check fuzz

$(BUILD)/portscribe: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJECTS) $(LIBS)

# The first time nobody knows yet who includes a skeleton; later the .d file does.
$(BUILD)/%.o: %.c | $(SKELS) have-needs
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/user/registry/data.o: user/registry/data.S user/registry/services.tsv user/nft/example.nft \
		user/registry/overlays.tsv user/registry/companions.tsv | have-needs
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -c -Iuser/registry -Wa,-Iuser/registry -o $@ $<

$(BUILD)/%.bpf.o: bpf/%.bpf.c | have-needs
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# Linking drops the debugging sections, which the kernel does not want.
$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen object $(@:.skel.h=.linked.o) $<
	$(Q)$(BPFTOOL) gen skeleton $(@:.skel.h=.linked.o) name $*_bpf >$@

$(TESTS): $(BUILD)/tests/%: tests/%.c $(PARTS) | have-test-needs
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(PARTS) \
		$(LIBS) $(if $(filter test_%,$(@F)),-lcmocka)

$(FUZZ_PARTS): $(FUZZ)/%.o: %.c | have-fuzz-needs
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ)/parts.a: $(FUZZ_PARTS)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $(FUZZ_PARTS)

$(FUZZERS): $(FUZZ)/%: %.c $(FUZZ)/parts.a $(BUILD)/user/registry/data.o
	$(call say,FUZZ,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< \
		$(FUZZ)/parts.a $(BUILD)/user/registry/data.o -lexpat -lz -ljansson -lmnl

# Only to see their warnings.
fuzz-objects: $(FUZZ_SOURCES:%.c=$(BUILD)/%.o)

run:
	@.ci/needs build
	@$(SUBMAKE) all
	@case '$(SUDO)' in \
	no-sudo) echo "portscribe needs root here and there is no sudo; as root: $(BUILD)/portscribe run" >&2; exit 1;; \
	esac; $(SUDO) $(BUILD)/portscribe run

test:
	@.ci/needs test
	@$(SUBMAKE) all tests fuzzers
	@$(SUBMAKE) check-warnings
	@tests/run

demo:
	@.ci/needs test
	@$(SUBMAKE) all $(BUILD)/tests/net/traffic
	@tests/demo.sh

fuzz:
	@.ci/needs fuzz
	@$(SUBMAKE) fuzzers
	@for name in $(basename $(notdir $(FUZZ_SOURCES))); do \
		KEEP=yes tests/fuzz/run $$name $(FUZZ_SECONDS) || exit; \
	done

bench:
	@.ci/needs bench
	@$(SUBMAKE) all tests
	@tests/bench/run

test-kernels:
	@.ci/needs kernels
	@$(SUBMAKE) all tests
	@tests/kernels/run

ASAN = BUILD=build/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
       SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"

asan:
	@$(SUBMAKE) $(ASAN) all

asan-test:
	@.ci/needs test
	@$(SUBMAKE) $(ASAN) all tests
	@$(SUBMAKE) fuzzers
	@BUILD=build/asan tests/run

check-warnings:
	@$(SUBMAKE) BUILD=build/warnings/gcc CC=gcc WERROR=1 all tests fuzz-objects
	@$(SUBMAKE) BUILD=build/warnings/clang CC=$(CLANG) WERROR=1 all tests fuzz-objects

C_FILES = $(shell find bpf include user tests vmlinux -name '*.[ch]')
SH_FILES = .ci/needs .ci/run tests/run tests/lib.sh tests/demo.sh $(wildcard tests/*/run tests/*/*.sh)

lint:
	@.ci/needs lint
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck -x -S warning $(SH_FILES)
	@warnings=$$(LC_ALL=C.UTF-8 groff -man -Tutf8 -ww -z user/portscribe.8 2>&1); \
	[ -z "$$warnings" ] || { printf '%s\n' "$$warnings" >&2; exit 1; }

format:
	@.ci/needs lint
	clang-format -i $(C_FILES)

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/share/portscribe
	install -m 755 $(BUILD)/portscribe $(DESTDIR)$(SBINDIR)/portscribe
	install -m 644 user/portscribe.8 $(DESTDIR)$(PREFIX)/share/man/man8/portscribe.8
	install -m 644 user/nft/example.nft $(DESTDIR)$(PREFIX)/share/portscribe/
	for unit in $(UNITS); do \
		sed 's|@SBINDIR@|$(SBINDIR)|g' user/$$unit >$(BUILD)/$$unit && \
		install -m 644 $(BUILD)/$$unit $(DESTDIR)$(UNITDIR)/$$unit || exit; \
	done

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/portscribe $(DESTDIR)$(PREFIX)/share/man/man8/portscribe.8 \
		$(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rm -rf $(DESTDIR)$(PREFIX)/share/portscribe

clean:
	rm -rf build $(BUILD)

-include $(OBJECTS:.o=.d) $(SKELS:.skel.h=.bpf.d) $(TESTS:=.d) $(FUZZ_PARTS:.o=.d) $(FUZZERS:=.d)
