FROM dinghy/node
COPY . /dinghy/
USER 1000:1000
