FROM dinghy/node
COPY . /dinghy/
USER 1337:1337
