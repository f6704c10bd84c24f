"""Drives the Python SDKs: a call as JSON on a line of standard input, its answer on a line of standard output.

Usage: driver.py v1|v2 host key secret
"""

import importlib
import json
import os
import re
import sys


def first_generation(host, key, secret):
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.http import protocol_type

    client = AcsClient(key, secret, "cn-hangzhou")

    def call(action, params):
        module = importlib.import_module(f"aliyunsdkvpc.request.v20160428.{action}Request")
        request = getattr(module, f"{action}Request")()
        request.set_endpoint(host)
        request.set_accept_format("json")
        # The core asks for this very object, not for a text that is equal.
        request.set_protocol_type(getattr(protocol_type, os.environ["DRIVER_PROTOCOL"]))
        for name, value in params.items():
            if name == "RegionId":
                request.add_query_param(name, value)
                continue
            # Some lists have a setter in the plural.
            setter = getattr(request, f"set_{name}", None) or getattr(request, f"set_{name}s")
            setter(value)
        try:
            return {"body": json.loads(client.do_action_with_exception(request))}
        except ServerException as error:
            return {"error": {"code": error.get_error_code(), "message": error.get_error_msg()}}

    return call


def second_generation(host, key, secret):
    from alibabacloud_tea_openapi import utils_models
    from alibabacloud_vpc20160428 import models
    from alibabacloud_vpc20160428.client import Client
    from darabonba.exceptions import DaraException

    config = utils_models.Config(
        access_key_id=key, access_key_secret=secret, endpoint=host, protocol=os.environ["DRIVER_PROTOCOL"]
    )
    client = Client(config)

    def call(action, params):
        request = getattr(models, f"{action}Request")().from_map(params)
        method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", action).lower()
        try:
            return {"body": getattr(client, method)(request).body.to_map()}
        except DaraException as error:
            return {"error": {"code": error.code, "message": error.message}}

    return call


generation, *where = sys.argv[1:]
call = {"v1": first_generation, "v2": second_generation}[generation](*where)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = call(asked["action"], asked["params"])
    except Exception as error:  # What a user of the SDK would see as a crash is told as one.
        answer = {"error": {"code": type(error).__name__, "message": str(error)}}
    print(json.dumps(answer), flush=True)
