FROM dinghy/node
COPY . /dinghy/
