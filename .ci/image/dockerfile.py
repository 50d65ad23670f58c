"""Reads what of a Dockerfile and a .dockerignore the checks here ask for."""
import collections
import dataclasses
import fnmatch
import json
import re
import shutil

Instruction = collections.namedtuple("Instruction", "name value")


@dataclasses.dataclass
class Stage:
    """A stage: its base with build arguments put in, its name, and its instructions after FROM."""
    base: str
    name: str
    instructions: list

    def values(self, name):
        return [instruction.value for instruction in self.instructions if instruction.name == name]

    def copied(self):
        """The sources that COPY takes from the build's context."""
        sources = []
        for value in self.values("COPY") + self.values("ADD"):
            words = json.loads(value) if value.startswith("[") else value.split()
            flags = [word for word in words if word.startswith("--")]
            if not any(flag.startswith("--from=") for flag in flags):
                sources += [word for word in words if not word.startswith("--")][:-1]
        return sources

    def installed(self):
        """The packages that apt-get install names."""
        packages = set()
        for value in self.values("RUN"):
            for command in re.split(r"&&|;", value):
                words = command.split()
                if words[:1] == ["apt-get"] and "install" in words:
                    packages |= {w for w in words[words.index("install") + 1:] if not w.startswith("-")}
        return packages


def stages(text):
    """The stages of a Dockerfile, in their order."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
    text = re.sub(r"\\\n", " ", text)
    arguments, found = {}, []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, value = line.partition(" ")
        name, value = name.upper(), value.strip()
        if name == "FROM":
            words = [word for word in value.split() if not word.startswith("--")]
            base = re.sub(r"\$\{?(\w+)\}?", lambda match: arguments.get(match[1], match[0]), words[0])
            found.append(Stage(base, words[2] if len(words) > 2 else "", []))
        elif not found:
            if name != "ARG":
                raise ValueError(f"{name} before the first FROM")
            key, _, default = value.partition("=")
            arguments[key] = default
        else:
            found[-1].instructions.append(Instruction(name, value))
    return found


class Ignore:
    """A .dockerignore: the last pattern that holds for a path or for a folder above it decides."""

    def __init__(self, text):
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        for line in lines:
            if "**" in line and not line.lstrip("!").startswith("**/"):
                raise ValueError(f".dockerignore: '{line}' has '**' where it is not understood here")
        self.patterns = [(line.startswith("!"), line.lstrip("!").strip("/")) for line in lines]

    def leaves_out(self, path):
        parts = path.split("/")
        out = False
        for is_exception, pattern in self.patterns:
            above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
            if pattern.startswith("**/"):
                candidates = [part for part in parts]
                hit = any(fnmatch.fnmatchcase(part, pattern[3:]) for part in candidates)
            else:
                depth = pattern.count("/")
                hit = any(p.count("/") == depth and fnmatch.fnmatchcase(p, pattern) for p in above)
            if hit:
                out = not is_exception
        return out


def build_context(root, ignore, sources, target):
    """Copies to a folder what `COPY` of the sources finds in the context; returns how many files it was.

    Raises ValueError for a source of which nothing is left."""
    count = 0
    for source in sources:
        path = root / source
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() or p.is_symlink())
        taken = [file for file in files if not ignore.leaves_out(file.relative_to(root).as_posix())]
        if not taken:
            raise ValueError(f"COPY {source}: nothing of it is in the context")
        for file in taken:
            to = target / file.relative_to(root)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, to, follow_symlinks=False)
        count += len(taken)
    return count
