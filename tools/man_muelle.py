# SPDX-License-Identifier: Apache-2.0
"""What muelle(1) says beside the verbs and options: tools/man_page.py puts it around them."""

from __future__ import annotations

from estiba.tables.muelle import USAGE_EXIT
from estiba.tables.version import IMAGE_SPEC, VERSION

HEAD = f"""\
.\\" Written by tools/man_page.py; do not edit.
.TH MUELLE 1 "" "estiba {VERSION}" "User Commands"
.SH NAME
muelle \\- build, keep, move and run images
.SH SYNOPSIS
.B muelle
.RI [ OPTION... ]
.I COMMAND
.RI [ ARGUMENT... ]
.SH DESCRIPTION
.B muelle
works on images as the OCI image specification ({IMAGE_SPEC}) has them: stacks of layers, kept once and shared.
Each reference, such as
.IR web:latest ,
remembers which images it has named.
.PP
A value follows its option as the next word, after an equals sign, or after a letter at once; letters of flags may
stand together.
"""

TAIL = f"""\
.SH VERSIONS
Each image that a name comes to stand for is a version of it, counted from 1;
.I web@2
names one wherever an image can be named.
Behind a version lies what the name stood for when that version came:
.I web@\\-1
is the version behind the present one,
.I web@\\-2
lies behind that one.
.B rollback
goes to the nearest version behind that is whole, and, done again, further back.
It never leads to a version that was rolled away from before;
.B rollback \\-\\-to
leads to each.
A name that was taken away comes back as what it stood for last.
.B prune
keeps of each name the present version, the one that
.B rollback
leads to, and those that the name stood for last.
.SH EXIT STATUS
.B run
exits as the program did, or with 128 and the signal's number; with 125 when muelle failed, 126 when the program
cannot be executed, 127 when it is not there.
.B build
exits as a RUN that failed, with 127 or 126 when its program is not there or cannot be executed; with 128 and the
number of SIGINT, SIGTERM or SIGHUP, which kills what runs; a second one ends it at once.
A command line that cannot be taken is {USAGE_EXIT}; any other failure is 1.
A failure is one line on standard error, then at most one hint; of a Containerfile, so for each problem.
.SH ENVIRONMENT
.TP
.B ESTIBA_STORE
Where images live, unless
.B \\-\\-store
says it.
.TP
.B ESTIBA_ROOT
Where running containers are on record, unless
.B \\-\\-root
says it.
.TP
.BR https_proxy ", " http_proxy ", " all_proxy ", " no_proxy
By which way registries, and what ADD fetches, are reached; also in capitals, but for http_proxy.
.TP
.BR REGISTRY_AUTH_FILE ", " DOCKER_CONFIG
The file, and the folder of the file config.json, where passwords for registries are kept.
.SH FILES
.TP
.IR $XDG_CONFIG_HOME/containers/certs.d/HOST ", " /etc/containers/certs.d/HOST ", " /etc/docker/certs.d/HOST
Certificates (*.crt) that vouch for a registry.
.TP
.I /var/lib/estiba
The store: blobs, unpacked layers, references with their past, volumes, containers.
For users without privileges it is the folder estiba in
.BR $XDG_DATA_HOME .
.SH SEE ALSO
.BR estiba (1)
"""
