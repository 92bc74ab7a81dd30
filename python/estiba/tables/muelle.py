# SPDX-License-Identifier: Apache-2.0
"""The command line of `muelle` as data: the parser, help and man page come from it.

An option is (name, letter or "", kind, value's name, help). Kinds: "flag", "text", "number" (0 to 2^32 - 1), "list"
(may be repeated), "choice" (the value's name lists what may stand there, "table|json"), "size" (bytes, with a
suffix b, k, m, g or t), "decimal" (a number that need not be whole).
A positional is (name, how many, help) with how many "one", "optional", "some" (one or more) or "rest".
"""

OptionSpec = tuple[str, str, str, str, str]
VerbSpec = tuple[str, tuple[tuple[str, str, str], ...], tuple[OptionSpec, ...]]

GLOBAL: tuple[OptionSpec, ...] = (
    ("store", "", "text", "DIR", "where images live; /var/lib/estiba, rootless $XDG_DATA_HOME/estiba"),
    ("root", "", "text", "DIR", "where running containers are on record; /run/estiba"),
    ("debug", "", "flag", "", "show the traceback of a bug"),
    ("version", "v", "flag", "", "print the version"),
    ("help", "h", "flag", "", "print this help"),
)

HELP: OptionSpec = ("help", "h", "flag", "", "print this help")
FORMAT: OptionSpec = (
    "format",
    "",
    "text",
    "table|json|TEMPLATE",
    "how to print; a template is such as {{.ID}}, with titles where `table` stands before it",
)
FILTER: OptionSpec = ("filter", "f", "list", "KEY=VALUE", "only those that are so: {}")
QUIET: OptionSpec = ("quiet", "q", "flag", "", "print ids only")
NO_TRUNC: OptionSpec = ("no-trunc", "", "flag", "", "shorten nothing")
PLATFORM: OptionSpec = ("platform", "", "text", "OS/ARCH[/VARIANT]", "which image of several to take")

HELP_ALONE: OptionSpec = ("help", "", "flag", "", "print this help")
"""Where Docker's users mean something else by -h."""

NAME = ("NAME", "one", "an image: a reference, name@digest, a version such as web@2, or an id")

INSECURE: OptionSpec = (
    "insecure",
    "",
    "flag",
    "",
    "take plain HTTP of a registry, and certificates that nobody vouches for",
)
CERTIFICATES: OptionSpec = (
    "cert-dir",
    "",
    "text",
    "DIR",
    "a folder with certificates (*.crt) that vouch for a registry",
)

RUN: tuple[OptionSpec, ...] = (
    ("name", "", "text", "NAME", "call the container so; by default it has an id alone"),
    ("rm", "", "flag", "", "remove the container when the program has ended"),
    ("interactive", "i", "flag", "", "let the program read our standard input"),
    ("tty", "t", "flag", "", "give it a terminal"),
    ("env", "e", "list", "NAME[=VALUE]", "set a variable; without a value, as it is here"),
    ("env-file", "", "list", "FILE", "set the variables that a file lists, one a line"),
    ("volume", "v", "list", "[SOURCE:]TARGET[:OPTIONS]", "mount a path of the host, or a volume by name"),
    (
        "mount",
        "",
        "list",
        "KEY=VALUE,...",
        "the same in words: type=bind|volume|tmpfs,source=,target=,readonly",
    ),
    ("tmpfs", "", "list", "TARGET[:OPTIONS]", "mount an empty file system in memory"),
    ("workdir", "w", "text", "DIR", "where the program starts; it is made if need be"),
    ("user", "u", "text", "USER[:GROUP]", "run as this user: names of the image, or numbers"),
    ("group-add", "", "list", "GROUP", "a further group of the user"),
    ("entrypoint", "", "text", "PROGRAM", "run this instead of the image's entrypoint"),
    ("network", "", "choice", "none|host", "whose network; none, with loopback alone, by default"),
    ("pid", "", "choice", "private|host", "whose process ids it sees"),
    ("hostname", "h", "text", "NAME", "the host name that it sees"),
    ("add-host", "", "list", "NAME:ADDRESS", "a further line of /etc/hosts"),
    ("read-only", "", "flag", "", "let nobody write to the root file system"),
    ("privileged", "", "flag", "", "every capability and device, nothing masked, no seccomp filter"),
    ("cap-add", "", "list", "NAME", "add a capability, or ALL"),
    ("cap-drop", "", "list", "NAME", "take a capability away, or ALL"),
    (
        "security-opt",
        "",
        "list",
        "NAME=VALUE",
        "no-new-privileges, seccomp=unconfined|FILE, apparmor=, systempaths=",
    ),
    ("device", "", "list", "PATH[:TARGET[:rwm]]", "let it have a device of the host"),
    ("memory", "m", "size", "BYTES", "most memory"),
    (
        "memory-swap",
        "",
        "text",
        "BYTES",
        "most memory and swap together; twice --memory by default, -1 is all",
    ),
    ("memory-reservation", "", "size", "BYTES", "memory that it is held to when there is little"),
    ("cpus", "", "decimal", "N", "most processors' worth of time, such as 1.5"),
    ("cpu-shares", "", "number", "N", "weight among others that compute; 1024 is usual"),
    ("cpuset-cpus", "", "text", "LIST", "the processors that it may use, such as 0-3"),
    ("cpuset-mems", "", "text", "LIST", "the memory nodes that it may use"),
    ("pids-limit", "", "number", "N", "most processes; 0 is no limit"),
    ("ulimit", "", "list", "NAME=SOFT[:HARD]", "a limit of each process, such as nofile=1024"),
    ("shm-size", "", "size", "BYTES", "how much /dev/shm holds; 64m by default"),
    ("sysctl", "", "list", "NAME=VALUE", "a setting of the kernel for this container"),
    ("init", "", "flag", "", "run a small init of the host's as first process, which reaps orphans"),
    ("label", "l", "list", "NAME=VALUE", "keep a word beside the container"),
    ("cidfile", "", "text", "FILE", "write the container's id to a file that is not there yet"),
    ("cgroup-parent", "", "text", "PATH", "the cgroup below which the container's is"),
    PLATFORM,
    (
        "pull",
        "",
        "choice",
        "always|missing|never",
        "when to fetch the image from its registry; missing by default",
    ),
    INSECURE,
    CERTIFICATES,
    HELP_ALONE,
)

OF_A_LIFE = (
    "name",
    "rm",
    "interactive",
    "volume",
    "mount",
    "tmpfs",
    "init",
    "label",
    "cidfile",
    "cgroup-parent",
)
"""What `run` does beside the config: it is not in a bundle."""
BUNDLE: tuple[OptionSpec, ...] = tuple(option for option in RUN if option[0] not in OF_A_LIFE)

REGISTRY = ("REGISTRY", "optional", "its host, with a port where it has one; docker.io by default")
CHANGE: OptionSpec = (
    "change",
    "c",
    "list",
    "INSTRUCTION",
    "an instruction of a Containerfile, such as CMD, to apply besides",
)
CONTAINER = ("CONTAINER", "one", "a name, an id, or the beginning of one")
LISTED: tuple[OptionSpec, ...] = (
    (*FILTER[:4], FILTER[4].format("status=, name=, id=, label=, ancestor=, exited=")),
    ("last", "n", "number", "N", "the last N that were made, ended ones too"),
    ("latest", "l", "flag", "", "the last one that was made: --last 1"),
    NO_TRUNC,
    QUIET,
    FORMAT,
)

BUILD: tuple[OptionSpec, ...] = (
    (
        "file",
        "f",
        "text",
        "FILE",
        "the Containerfile; Containerfile or Dockerfile of the context by default, - for standard input",
    ),
    ("tag", "t", "list", "NAME", "a reference for the image"),
    ("build-arg", "", "list", "NAME[=VALUE]", "a value for an ARG; without one, that of the variable here"),
    ("target", "", "text", "STAGE", "the stage to build, by name or number; the last by default"),
    ("no-cache", "", "flag", "", "take no result of earlier builds"),
    ("pull", "", "flag", "", "ask the registries for newer base images"),
    INSECURE,
    CERTIFICATES,
    ("squash", "", "flag", "", "make one layer of all that the build puts on its base"),
    ("label", "", "list", "NAME=VALUE", "a label for the image"),
    (
        "secret",
        "",
        "list",
        "id=ID[,src=FILE|env=NAME]",
        "what RUN --mount=type=secret may read; it stays out of the image",
    ),
    ("network", "", "choice", "host|none", "whose network RUN has unless it says so itself; host by default"),
    ("platform", "", "text", "OS/ARCH[/VARIANT]", "which of several base images to take"),
    ("compression", "", "choice", "gzip|zstd|none", "how layers are packed; gzip by default"),
    ("compression-level", "", "number", "N", "how hard the packing tries"),
    ("timestamp", "", "number", "SECONDS", "no time in the image is later; SOURCE_DATE_EPOCH by default"),
    ("iidfile", "", "text", "FILE", "write the image's id to FILE"),
    ("progress", "", "choice", "auto|plain|tty|quiet", "how to show what goes on"),
    ("quiet", "q", "flag", "", "print the image's id only"),
    HELP,
)

VERBS: dict[str, VerbSpec] = {
    "build": (
        "build an image from a Containerfile",
        (
            (
                "CONTEXT",
                "one",
                "the folder that COPY takes files from, often . itself; - for a Containerfile, or an archive with one, by standard input",
            ),
        ),
        BUILD,
    ),
    "run": (
        "run a program in a container of an image, in the foreground",
        (NAME, ("COMMAND", "rest", "the program and its arguments; the image's own by default")),
        RUN,
    ),
    "bundle": (
        "make a bundle of an image: config.json and root file system, for any OCI runtime",
        (
            NAME,
            ("DIR", "one", "the folder to make"),
            ("COMMAND", "rest", "the program and its arguments; the image's own by default"),
        ),
        BUNDLE,
    ),
    "containers": ("list the containers that `run` has left", (), (*LISTED, HELP)),
    "ps": (
        "list the containers that run",
        (),
        (("all", "a", "flag", "", "with those that have ended: what `containers` lists"), *LISTED, HELP),
    ),
    "rm": (
        "remove containers with what they have written",
        (("CONTAINER", "some", CONTAINER[2]),),
        (("force", "f", "flag", "", "kill those that run; those that are absent are no failure"), HELP),
    ),
    "commit": (
        "make an image of what a container has written",
        (CONTAINER, ("NAME", "optional", "a reference for the image")),
        (
            ("message", "m", "text", "TEXT", "what to say of it in its history"),
            ("author", "a", "text", "NAME", "who made it"),
            CHANGE,
            ("no-pause", "", "flag", "", "let the program go on writing meanwhile"),
            HELP,
        ),
    ),
    "images": (
        "list images",
        (("NAME", "optional", "a repository, or the beginning of one with * behind it"),),
        (
            ("all", "a", "flag", "", "with those that have no name"),
            (*FILTER[:4], FILTER[4].format("dangling=true|false, reference=, label=")),
            ("digests", "", "flag", "", "with the digests of their manifests"),
            NO_TRUNC,
            QUIET,
            FORMAT,
            HELP,
        ),
    ),
    "inspect": (
        "print all that is known of images or containers, as JSON",
        (("NAME", "some", "an image or a container"),),
        (
            ("format", "f", "text", "TEMPLATE", "print what a template such as {{.Config.Cmd}} picks"),
            ("type", "", "choice", "image|container", "take the names for this only"),
            PLATFORM,
            HELP,
        ),
    ),
    "history": (
        "show what made an image, layer by layer, or what a name has stood for",
        (NAME,),
        (
            (
                "versions",
                "",
                "flag",
                "",
                "show each move of the name: from what to what, when, by which command, by whom",
            ),
            NO_TRUNC,
            QUIET,
            FORMAT,
            PLATFORM,
            HELP,
        ),
    ),
    "diff": (
        "show the files that differ: of two images, of two versions, of a container and its image",
        (
            ("NAME", "one", "a container, against its image; or an image, against the version before"),
            ("OTHER", "optional", "what NAME, an image or a container, is held against"),
        ),
        (FORMAT, PLATFORM, HELP),
    ),
    "rollback": (
        "let a name stand for an earlier version again, or for a later one",
        (("NAME", "one", "a reference"),),
        (
            (
                "to",
                "",
                "text",
                "N|DIGEST|TIME",
                "which version; by default what the name stood for before this one",
            ),
            QUIET,
            HELP,
        ),
    ),
    "tag": (
        "give an image another name",
        (NAME, ("TARGET", "one", "the new reference; what it stood for is kept as a version")),
        (HELP,),
    ),
    "untag": (
        "take names away; their images stay until `prune`, their past as well",
        (("NAME", "some", "a reference"),),
        (HELP,),
    ),
    "save": (
        "write images to an archive or a folder",
        (("NAME", "some", NAME[2]),),
        (
            ("output", "o", "text", "FILE", "where to; standard output by default"),
            (
                "format",
                "",
                "choice",
                "docker-archive|oci-archive|oci-dir",
                "what to write; the first by default",
            ),
            (
                "only-missing",
                "",
                "list",
                "NAME|FOLDER",
                "leave out the layers of this image, or of this image layout: the receiver has them",
            ),
            PLATFORM,
            HELP,
        ),
    ),
    "import": (
        "make an image of one layer of a root file system in a tar file",
        (
            ("FILE", "one", "the tar file, also by gzip, zstd, bzip2 or xz; - for standard input"),
            ("NAME", "optional", "a reference for the image"),
        ),
        (
            CHANGE,
            ("message", "m", "text", "TEXT", "what to say of it in its history"),
            ("platform", "", "text", "OS/ARCH[/VARIANT]", "what it is for; this machine by default"),
            HELP,
        ),
    ),
    "export": (
        "write the root file system of a container, or of an image, as a tar file",
        (("NAME", "one", "a container, or an image"),),
        (
            ("output", "o", "text", "FILE", "where to; standard output by default"),
            ("no-pause", "", "flag", "", "let the program of a container go on writing meanwhile"),
            PLATFORM,
            HELP,
        ),
    ),
    "load": (
        "read images from an archive or a folder of any tool",
        (),
        (
            (
                "input",
                "i",
                "text",
                "FILE",
                "where from, also by gzip, zstd, bzip2 or xz; standard input by default",
            ),
            ("tag", "t", "text", "NAME", "what to call the only image that is in it"),
            ("quiet", "q", "flag", "", "print names only"),
            HELP,
        ),
    ),
    "copy": (
        "copy images between folders that are image layouts, or between one and the store",
        (
            ("SOURCE", "one", "oci:FOLDER[:NAME], or an image of the store"),
            ("TARGET", "one", "oci:FOLDER[:NAME], or a name for the store"),
        ),
        (("quiet", "q", "flag", "", "print nothing"), HELP),
    ),
    "pull": (
        "fetch images from their registries",
        (("NAME", "some", "a reference with its registry; docker.io if it names none"),),
        (PLATFORM, INSECURE, CERTIFICATES, QUIET, HELP),
    ),
    "push": (
        "send an image to a registry",
        (NAME, ("TARGET", "optional", "the reference to send it as; its own by default")),
        (INSECURE, CERTIFICATES, ("quiet", "q", "flag", "", "print the digest only"), HELP),
    ),
    "login": (
        "let a registry know you from now on",
        (REGISTRY,),
        (
            ("username", "u", "text", "NAME", "your name there; asked for by default"),
            ("password", "p", "text", "TEXT", "your password, which others on this host can see here"),
            ("password-stdin", "", "flag", "", "read the password from standard input"),
            INSECURE,
            CERTIFICATES,
            HELP,
        ),
    ),
    "logout": ("forget a registry's password", (REGISTRY,), (HELP,)),
    "rmi": (
        "take names away with their past, and remove what nobody else uses",
        (("NAME", "some", "a reference, or the id of an image without a name"),),
        (
            (
                "force",
                "f",
                "flag",
                "",
                "take an image's id for all of its names; what is absent is no failure",
            ),
            HELP,
        ),
    ),
    "prune": (
        "remove what no name, no container and no build uses",
        (),
        (
            ("keep", "", "number", "N", "how many versions of each name stay; 3 by default"),
            ("all", "a", "flag", "", "keep one version of each name, and nothing of earlier builds"),
            ("cache", "", "flag", "", "remove caches of RUN, and what builds used within 30 days, too"),
            ("containers", "", "flag", "", "remove containers that have ended, first"),
            ("volumes", "", "flag", "", "remove volumes that no container has"),
            ("dry-run", "", "flag", "", "only say what would go"),
            ("force", "f", "flag", "", "taken for Docker's users: nobody is asked"),
            HELP,
        ),
    ),
    "fsck": (
        "look the whole store through: every blob, image, layer and name",
        (),
        (
            (
                "repair",
                "",
                "flag",
                "",
                "mend what can be made again; remove a damaged blob, for a pull or a load to bring it back",
            ),
            HELP,
        ),
    ),
    "version": ("print the versions of muelle and of what it is made of", (), (FORMAT, HELP)),
}
"""{verb: (what it does, positionals, options)}."""

PROGRAM_AFTER: dict[str, int] = {"run": 1, "bundle": 2}
"""Verbs with a program in their words: after so many, what follows belongs to it, dashes and all."""

USAGE_EXIT = 125
"""Exit code of a command line that cannot be taken: what Docker and podman answer."""

FAILURE_EXIT: dict[str, int] = {"run": 125}
"""Exit code of a failure by verb; 1 for all others."""

REFUSALS: dict[str, str] = {
    "no-command": "no command given",
    "unknown-command": '"{what}" is not a command',
    "unknown-option": '{where}: "{what}" is not an option',
    "needs-value": "{where}: {what} needs a value ({metavar})",
    "flag-value": '{where}: {what} is a flag: true or false may follow, not "{value}"',
    "not-a-number": '{where}: {what} takes a whole number from 0 to 4294967295, not "{value}"',
    "not-a-decimal": '{where}: {what} takes a number such as 1.5, not "{value}"',
    "not-a-size": '{where}: {what} takes a number of bytes, or one with k, m, g or t behind it, not "{value}"',
    "bad-value": '{where}: {what} takes {metavar}, not "{value}"',
    "missing": "{where}: {what} is missing",
    "surplus": '{where}: "{what}" is one argument too many',
}
"""The parser's words; {where} is `muelle` or `muelle VERB`."""

HINTS: dict[str, str] = {
    "near": 'did you mean "{near}"?',
    "help": "see `{where} --help`",
}
"""What follows: a name like the one given, or where help is."""
