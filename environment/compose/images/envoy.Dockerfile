FROM scratch
COPY . /
USER 1337:1337
ENTRYPOINT ["/bin/envoy"]
