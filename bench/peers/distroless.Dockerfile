# What distroless's Python has: the files of Debian's packages, without dpkg, a shell or any tool.
FROM pystatic-bench:python AS debian
RUN mkdir -p /distroless/usr/bin /distroless/usr/sbin /distroless/usr/lib /distroless/usr/lib64 && \
    dpkg-query --listfiles \
        base-files libc6 libgcc-s1 libssl3 zlib1g libbz2-1.0 libcrypt1 libdb5.3 libexpat1 libffi8 liblzma5 \
        libncursesw6 libreadline8 libsqlite3-0 libtinfo6 libuuid1 media-types netbase tzdata \
        libpython3-stdlib python3-minimal python3.11-minimal libpython3.11-minimal libpython3.11-stdlib \
    | sort --unique | while read -r path; do if [ -f "$path" ] || [ -L "$path" ]; then echo "$path"; fi; done \
    | tar --create --files-from - | tar --extract --directory /distroless
FROM scratch
COPY --from=debian /distroless /
