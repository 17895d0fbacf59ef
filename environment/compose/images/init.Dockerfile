FROM scratch
COPY . /
ENV XTABLES_LIBDIR=/lib/xtables
# --noflush: Docker's own rules for its name server live in the same table.
ENTRYPOINT ["/sbin/iptables-restore", "--noflush", "/etc/dinghy/redirect.rules"]
