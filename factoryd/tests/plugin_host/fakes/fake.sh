#!/bin/sh
# A program that is no plugin. How it fails to be one is in the name it is called by: factory-plugin-MODE.
case "${0##*/factory-plugin-}" in
exits)
    echo "cannot open the frobnicator" >&2
    exit 3
    ;;
killed)
    kill -KILL $$
    ;;
closes)
    exec >&-
    exec sleep 1000
    ;;
silent)
    exec sleep 1000
    ;;
noisy)
    while :; do echo "still loading"; done
    ;;
version)
    echo "1|7|unix|$PLUGIN_UNIX_SOCKET_DIR/s|grpc|"
    exec sleep 1000
    ;;
netrpc)
    echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/s|netrpc"
    exec sleep 1000
    ;;
plain)
    echo "1|1|unix|$PLUGIN_UNIX_SOCKET_DIR/s|grpc|"
    exec sleep 1000
    ;;
elsewhere)
    echo "1|1|tcp|192.0.2.1:9|grpc|"
    exec sleep 1000
    ;;
brood)
    # A child that holds every pipe open, in the group of the plugin.
    sleep 1000 &
    echo "$!" >&2
    exit 4
    ;;
environment)
    env >&2
    pwd >&2
    head -n 1 >&2
    exit 5
    ;;
esac
