# Owns a pod's network and sleeps: nothing is lost when it ends at once.
FROM scratch
COPY . /
STOPSIGNAL SIGKILL
ENTRYPOINT ["/bin/sleep", "infinity"]
