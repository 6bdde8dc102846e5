# docker build -t quicksilver . && docker run -p 11112:11112 -p 8000:8000 -v data:/data quicksilver

FROM debian:12-slim AS build
WORKDIR /source
COPY packaging/packages.sh packaging/
RUN packaging/packages.sh build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release && cmake --build --preset release --target quicksilver \
    && strip -o /quicksilver build/release/src/app/quicksilver

FROM debian:12-slim
# libdcmtk17 brings the dictionary of DICOM tags, without which the program refuses to start.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libdcmtk17 libfmt9 libspdlog1.10 libsqlite3-0 libre2-9 libxxhash0 \
        libssl3 libsodium23 libcurl4 libarchive13 zlib1g ca-certificates tzdata openssh-client rsync \
    && rm -rf /var/lib/apt/lists/* \
    && test -s /usr/share/libdcmtk17/dicom.dic \
    && useradd --system --uid 900 --home-dir /data --shell /usr/sbin/nologin quicksilver \
    && install -d -o quicksilver -g quicksilver /data
COPY --from=build /quicksilver /usr/bin/quicksilver
USER quicksilver
# Inside the container every address is its own network's; who publishes the port beyond this machine gives a
# certificate (QUICKSILVER_HTTP__CERTIFICATE and QUICKSILVER_HTTP__KEY) or puts a proxy before it.
ENV QUICKSILVER_DATA=/data QUICKSILVER_HTTP__ADDRESS=0.0.0.0 QUICKSILVER_HTTP__ALLOW_PLAIN=true
VOLUME /data
EXPOSE 11112 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/quicksilver"]
CMD ["serve"]
