"""Compares what our containers are started with to what the program takes."""
import json
import subprocess

import house
import objects
import pod_security


def commands(binary):
    """The program's command, as it describes itself."""
    run = subprocess.run([binary, "--experimental-dump-help"], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)["command"]


def options(command):
    """The options of a command, by their names; true for those that want a value."""
    found = {}
    for argument in command.get("arguments") or []:
        for name in argument.get("names") or []:
            dashes = "-" if name["kind"] == "short" else "--"
            found[dashes + name["name"]] = argument["kind"] == "option"
    return found


def faults(arguments, command):
    """What of a container's arguments the program does not take."""
    rest = list(arguments)
    while command.get("subcommands"):
        named = {sub["commandName"]: sub for sub in command["subcommands"]}
        if rest and rest[0] in named:
            command = named[rest.pop(0)]
        elif command.get("defaultSubcommand"):
            command = named[command["defaultSubcommand"]]
        else:
            yield f"{rest[0] if rest else 'nothing'}: expected one of {', '.join(named)}"
            return
    known = options(command)
    wants_value = False
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if argument.startswith("-"):
            if name not in known:
                yield f"{command['commandName']} takes no {name}"
            elif equals and not known[name]:
                yield f"{command['commandName']}: {name} takes no value"
            wants_value = known.get(name, True) and not equals
        elif not wants_value:
            yield f"{command['commandName']} takes no '{argument}' here"


def check(manifests, command):
    """All faults of our containers' arguments, each with the manifest and the object that has it."""
    for manifest in manifests:
        for document in manifest.objects:
            template = objects.pod_template(document)
            for where, container in pod_security.containers(template[1]) if template else []:
                if container.get("image") == house.PLACEHOLDER:
                    for fault in faults(container.get("args") or [], command):
                        yield manifest.name, document, f"arguments: {where}: {fault}"
