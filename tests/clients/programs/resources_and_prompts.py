"""Checks of all resources, prompts and completions; imported by the programs beside it.

Each takes the methods of a client as functions, since every client has others.
"""

import json
import re
import traceback

from calls import BAD_ADDRESSES, BAD_PROMPTS, COMPLETIONS, PROMPTS, RESOURCES, TEMPLATES, check


async def check_resources(listed, templates, read, receipt):
    """Check that all resources and templates are listed, and read each, and what is not there.

    Args:
        listed: The addresses of resources that the client lists.
        templates: The templates that it lists; None if it can't.
        read: Returns the text of a resource.
        receipt: The receipt of a clear that was undone in part.
    """
    check(set(map(str, listed)) == RESOURCES.keys(), listed)
    check(templates is None or set(map(str, templates)) == TEMPLATES.keys(), templates)
    for address, fact in (*RESOURCES.items(), *TEMPLATES.values()):
        text = await read(address.replace("RECEIPT", receipt))
        check(fact.replace("RECEIPT", receipt) in text, address, text)
        if not address.startswith("ui://"):
            json.loads(text)
    for address, reason in BAD_ADDRESSES.items():
        await _check_refusal(read(address), reason)


async def check_prompts(listed, get):
    """Check that all prompts are listed with their arguments, and get each, good and bad.

    Args:
        listed: The names of the arguments of each prompt that the client lists.
        get: Returns the messages of a prompt, whole, as text.
    """
    arguments = {name: [*given] for name, (given, _) in PROMPTS.items()}
    check(listed == arguments, listed)
    for name, (given, fact) in PROMPTS.items():
        text = await get(name, given)
        check(fact in text, name, text)
    for name, given, reason in BAD_PROMPTS:
        await _check_refusal(get(name, given), reason)


async def check_completions(complete, receipt):
    """Complete each argument of each prompt and template.

    Args:
        complete: Returns the values for a prompt or a template, an argument and its beginning.
        receipt: The receipt of a clear that was undone in part.
    """
    arguments = {name: [*given] for name, (given, _) in PROMPTS.items()}
    for template in TEMPLATES:
        arguments[template] = re.findall(r"\w+", "".join(re.findall(r"\{.*?\}", template)))
    for owner, names in arguments.items():
        for name in names:
            begun, value = COMPLETIONS.get(name, ("", None))
            values = await complete(owner, name, begun)
            expected = value and value.replace("RECEIPT", receipt)
            check(expected is None or expected in values, owner, name, values)
    await _check_refusal(complete("why_did_it_fail", "colour", ""), "colour")


async def _check_refusal(asking, reason):
    try:
        answer = await asking
    except Exception as error:  # each client has errors of its own
        told = "".join(traceback.format_exception(error))
        check(reason in told, reason, told)
    else:
        raise SystemExit(f"was not refused because of {reason}: {answer}")


def check_has_none(client, *methods):
    """Check that a client has none of these methods: docs/clients.md says so."""
    check(not [name for name in methods if hasattr(client, name)], methods)
