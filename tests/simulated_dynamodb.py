"""A simulated DynamoDB over HTTP, in a process of its own: one table, whose key is `id`, and its index of what is owed.

moto takes some eight milliseconds for each update, since it copies an expression's tree and walks it again and again, and copies
the table for each update of a transaction. With a thousand events the function waits for it longer than it may. Here an update
takes microseconds. It knows the calls and the expressions that the product uses, and refuses others; that it answers as moto does
is tested (`test_outbox_tables`). Unlike moto, it answers a transaction's token that it has seen as DynamoDB does.
"""

from __future__ import annotations

import json
import operator
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

from simulated_aws import SimulatedAws

if TYPE_CHECKING:
    from collections.abc import Callable

    Typed = dict[str, Any]
    Item = dict[str, Typed]

TOKENS = re.compile(r"\s*(attribute_(?:not_)?exists|AND\b|OR\b|[<>]=?|=|[(),]|[#:]?\w+)")
CLAUSES = re.compile(r"\b(SET|ADD|REMOVE)\b")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FAILED = "ConditionalCheckFailed"


class SimulatedDynamoDB(SimulatedAws):
    """Serves from `__enter__` to `__exit__`; `url` is its endpoint."""

    program = __file__


class RefusedError(Exception):
    """What DynamoDB answers with status 400."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.answer = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **details}


class _Condition:
    """A condition that holds for an item or does not: comparisons and tests of existence, with AND, OR and parentheses."""

    def __init__(self, text: str, request: Any, item: Item) -> None:
        self._tokens = TOKENS.findall(text)
        assert "".join(self._tokens) == re.sub(r"\s", "", text), text
        self._request, self._item = request, item

    def holds(self) -> bool:
        """Whether it does."""
        result = self._any()
        assert not self._tokens, self._tokens
        return result

    def _any(self) -> bool:
        result = self._all()
        while self._tokens[:1] == ["OR"]:
            self._tokens.pop(0)
            result = self._all() or result
        return result

    def _all(self) -> bool:
        result = self._one()
        while self._tokens[:1] == ["AND"]:
            self._tokens.pop(0)
            result = self._one() and result
        return result

    def _one(self) -> bool:
        token = self._tokens.pop(0)
        if token == "(":
            result = self._any()
            assert self._tokens.pop(0) == ")"
            return result
        if token.startswith("attribute_"):
            _, name, _ = (self._tokens.pop(0) for _ in range(3))
            return (_name(name, self._request) in self._item) == (token == "attribute_exists")
        compare, left, right = COMPARISONS[self._tokens.pop(0)], self._value(token), self._value(self._tokens.pop(0))
        # A comparison of what is missing, or of two types, does not hold.
        return left is not None and right is not None and left.keys() == right.keys() and compare(_plain(left), _plain(right))

    def _value(self, token: str) -> Typed | None:
        if token.startswith(":"):
            value: Typed = self._request["ExpressionAttributeValues"][token]
            return value
        return self._item.get(_name(token, self._request))


def _name(token: str, request: Any) -> str:
    return str(request["ExpressionAttributeNames"][token]) if token.startswith("#") else token


def _plain(typed: Typed) -> Any:
    ((kind, value),) = typed.items()
    return int(value) if kind == "N" else value


class Table:
    """The items, and what each call does to them. One call at a time."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._tokens: dict[str, str] = {}
        self._turn = threading.Lock()

    def answer(self, call: str, request: Any) -> Any:
        """The answer to a call. Raises `RefusedError`, and `KeyError` for a call that nobody makes."""
        with self._turn:
            return self._calls[call](self, request)

    def _checked(self, request: Any, item: Item, code: str) -> None:
        condition = request.get("ConditionExpression")
        if condition is not None and not _Condition(condition, request, item).holds():
            old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and item
            raise RefusedError(code, **({"Item": item} if old else {}))

    @staticmethod
    def _updated(request: Any, item: Item) -> Item:
        """The item after an update; `item` stays as it is."""
        new, values = {**item, "id": request["Key"]["id"]}, request.get("ExpressionAttributeValues", {})
        parts = CLAUSES.split(request["UpdateExpression"])
        for clause, text in zip(parts[1::2], parts[2::2], strict=True):
            for part in text.split(","):
                name, *rest = part.replace("=", " ").split()
                attribute = _name(name, request)
                if clause == "SET":
                    new[attribute] = values[rest[0]]
                elif clause == "ADD":
                    new[attribute] = {"N": str(int(new.get(attribute, {"N": "0"})["N"]) + int(values[rest[0]]["N"]))}
                else:
                    new.pop(attribute, None)
        return new

    def _update_item(self, request: Any) -> Any:
        key = request["Key"]["id"]["S"]
        item = self._items.get(key, {})
        self._checked(request, item, f"{FAILED}Exception")
        self._items[key] = self._updated(request, item)
        return {"Attributes": self._items[key]} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _put_item(self, request: Any) -> Any:
        key = request["Item"]["id"]["S"]
        self._checked(request, self._items.get(key, {}), f"{FAILED}Exception")
        self._items[key] = request["Item"]
        return {}

    def _get_item(self, request: Any) -> Any:
        item = self._items.get(request["Key"]["id"]["S"])
        return {} if item is None else {"Item": item}

    def _batch_get_item(self, request: Any) -> Any:
        ((name, wanted),) = request["RequestItems"].items()
        found = [self._items.get(key["id"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {name: [item for item in found if item is not None]}, "UnprocessedKeys": {}}

    def _batch_write_item(self, request: Any) -> Any:
        ((_, writes),) = request["RequestItems"].items()
        for write in writes:
            if "PutRequest" in write:
                item = write["PutRequest"]["Item"]
                self._items[item["id"]["S"]] = item
            else:
                self._items.pop(write["DeleteRequest"]["Key"]["id"]["S"], None)
        return {"UnprocessedItems": {}}

    def _transact_write_items(self, request: Any) -> Any:
        updates, token = [write["Update"] for write in request["TransactItems"]], request["ClientRequestToken"]
        same = json.dumps(updates, sort_keys=True)
        if self._tokens.get(token, same) != same:
            raise RefusedError("IdempotentParameterMismatchException")
        if token in self._tokens:
            return {}
        reasons: list[Any] = []
        for update in updates:
            try:
                self._checked(update, self._items.get(update["Key"]["id"]["S"], {}), FAILED)
                reasons.append({"Code": "None"})
            except RefusedError as error:
                reasons.append({"Code": FAILED, **({"Item": error.answer["Item"]} if "Item" in error.answer else {})})
        if any(reason["Code"] == FAILED for reason in reasons):
            raise RefusedError("TransactionCanceledException", CancellationReasons=reasons)
        self._tokens[token] = same
        for update in updates:
            key = update["Key"]["id"]["S"]
            self._items[key] = self._updated(update, self._items.get(key, {}))
        return {}

    def _query(self, request: Any) -> Any:
        indexed = [item for item in self._items.values() if "owed" in item and "due" in item]
        found = [item for item in indexed if _Condition(request["KeyConditionExpression"], request, item).holds()]
        found.sort(key=lambda item: (int(item["due"]["N"]), item["id"]["S"]))
        return {"Items": [{name: item[name] for name in ("id", "owed", "due")} for item in found[: request["Limit"]]]}

    def _scan(self, request: Any) -> Any:
        condition = request.get("FilterExpression", "attribute_exists(id)")
        found = [item for item in self._items.values() if _Condition(condition, request, item).holds()]
        return {"Count": len(found), **({} if request.get("Select") == "COUNT" else {"Items": found})}

    def _create_table(self, request: Any) -> Any:
        self._items.clear()
        self._tokens.clear()
        return {"TableDescription": {"TableName": request["TableName"], "TableStatus": "ACTIVE"}}

    _calls: ClassVar[dict[str, Callable[[Table, Any], Any]]] = {
        "CreateTable": _create_table,
        "GetItem": _get_item,
        "PutItem": _put_item,
        "UpdateItem": _update_item,
        "BatchGetItem": _batch_get_item,
        "BatchWriteItem": _batch_write_item,
        "TransactWriteItems": _transact_write_items,
        "Query": _query,
        "Scan": _scan,
    }


def main() -> None:
    """Serve until killed; the first line printed is the port."""
    table = Table()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            """Answer one call."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, answer = 200, table.answer(self.headers["X-Amz-Target"].partition(".")[2], json.loads(body))
            except RefusedError as error:
                status, answer = 400, error.answer
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed process's connection is no news
    print(server.server_port, flush=True)  # noqa: T201  to whoever started it
    server.serve_forever()


if __name__ == "__main__":
    main()
