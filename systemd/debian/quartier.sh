#!/bin/sh
exec /usr/lib/quartier/current/start "$@"
