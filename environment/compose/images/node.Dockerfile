FROM scratch
COPY . /
WORKDIR /dinghy
ENTRYPOINT ["/bin/node"]
