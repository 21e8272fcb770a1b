# Sets up an installation as a script of an administrator would, and reads every resource that a core offers, with the vendor's
# client for Python, which checks each answer by its models: required fields, types, formats, choices.
# usage: administer.py URL TOKEN. A line of JSON for each call: what was asked, what came.
import importlib
import inspect
import json
import pkgutil
import sys
import urllib.request

import authentik_client
from authentik_client import api as apis
from authentik_client.exceptions import ApiException

url, token = sys.argv[1:]
client = authentik_client.ApiClient(authentik_client.Configuration(host=f"{url}api/v3", access_token=token))
schema = urllib.request.Request(f"{url}api/v3/schema/", headers={"Accept": "application/json"})
paths = json.load(urllib.request.urlopen(schema))["paths"]
offered = {operation["operationId"] for verbs in paths.values() for operation in verbs.values() if "operationId" in operation}


def required(method):
    """Names of what a call cannot do without."""
    parameters = inspect.signature(method).parameters.values()
    return [one.name for one in parameters if one.default is inspect.Parameter.empty and not one.name.startswith("_")]


def call(name, method, **given):
    """Calls, tells, and gives what came, or nothing."""
    try:
        came, said = method(**given), "ok"
    except ApiException as error:
        came, said = None, f"{error.status} {error.body}"
    except Exception as error:
        came, said = None, f"{type(error).__name__}: {error}"
    print(json.dumps({"operation": name, "of": [str(one) for one in given.values()], "said": said}))
    return came


def key_of(row, name):
    """What the client calls `name` may be the row's key under another name."""
    return next((getattr(row, field) for field in (name, "pk", "pbm_uuid") if hasattr(row, field)), None)


def send(group, name, body, **given):
    """Sends `body`: the one parameter that is not in `given`."""
    method = getattr(group, name)
    [parameter] = [one for one in [*required(method), *optional_bodies(method)] if one not in given][:1]
    return call(name, method, **given, **{parameter: body})


def optional_bodies(method):
    """Of changes in part, where the client lets the body be left out."""
    return [name for name in inspect.signature(method).parameters if name.startswith("patched_")]


def set_up():
    """Somebody in a group, whose members may use a client, a site, a directory and a network, with outposts that serve them."""
    flows, core, policies = apis.FlowsApi(client), apis.CoreApi(client), apis.PoliciesApi(client)
    providers, outposts = apis.ProvidersApi(client), apis.OutpostsApi(client)
    flow_of = lambda slug: call("flows_instances_retrieve", flows.flows_instances_retrieve, slug=slug).pk
    base = {
        "authorization_flow": flow_of("default-provider-authorization-implicit-consent"),
        "invalidation_flow": flow_of("default-provider-invalidation-flow"),
    }
    group = send(core, "core_groups_create", {"name": "readers"})
    beatrice = {"username": "beatrice", "name": "Beatrice", "groups": [group.pk], "attributes": {"desk": 7}}
    user = send(core, "core_users_create", beatrice)
    send(core, "core_users_set_password_create", {"password": "analytical engine"}, id=user.pk)
    send(core, "core_tokens_create", {"identifier": "beatrice-mail", "intent": "app_password", "user": user.pk})
    kinds = {
        "oauth2": {"redirect_uris": [{"matching_mode": "strict", "url": "https://app.test/back"}]},
        "proxy": {"mode": "forward_single", "external_host": "https://site.test"},
        "ldap": {"base_dn": "dc=example,dc=org"},
        "radius": {"client_networks": "10.0.0.0/8", "shared_secret": "s3cr3t"},
    }
    for kind, settings in kinds.items():
        provider = send(providers, f"providers_{kind}_create", {"name": kind, **base, **settings})
        application = send(core, "core_applications_create", {"name": kind, "slug": kind, "provider": provider.pk})
        send(policies, "policies_bindings_create", {"target": application.pk, "group": group.pk, "order": 0})
        send(core, "core_applications_partial_update", {"group": "all"}, slug=kind)
        if kind != "oauth2":
            outpost = {"name": f"{kind} outpost", "type": kind, "providers": [provider.pk], "config": {}}
            send(outposts, "outposts_instances_create", outpost)


set_up()
for module in pkgutil.iter_modules(apis.__path__):
    library = importlib.import_module(f"authentik_client.api.{module.name}")
    for _, kind in inspect.getmembers(library, inspect.isclass):
        if kind.__module__ != library.__name__:
            continue
        calls = {name: method for name, method in inspect.getmembers(kind(client), inspect.ismethod) if name in offered}
        rows_of = {}
        for name, method in calls.items():
            if name.endswith(("_list", "_retrieve")) and required(method) == []:
                came = call(name, method)
                if name.endswith("_list") and came is not None:
                    rows_of[name.removesuffix("list")] = getattr(came, "results", came)
        for name, method in calls.items():
            needs = [one for one in required(method) if one != "count_steps"]  # of statistics
            stems = [stem for stem in rows_of if name.startswith(stem)]
            if not name.endswith(("_list", "_retrieve")) or len(needs) != 1 or stems == []:
                continue
            keys = [key_of(row, needs[0]) for row in rows_of[max(stems, key=len)][:2]]
            for key in keys:
                if key is not None:
                    call(name, method, **{needs[0]: key})
