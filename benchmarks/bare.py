"""Tools without a guard: the arguments, annotations, requests, text and records of the guarded ones."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from ac_guardrails import Request
from ac_guardrails._request import mint
from ac_tools import ActiveCampaign, AddTag, ListTags
from ac_tools._records import ContactTag, Tag
from ac_tools.tools._base import ActiveCampaignTool, hints
from ac_tools.tools._render import one, page_answer
from ac_tools.tools.tags import ContactAndTag, ListTagsArguments, _tag_line


class Bare(BaseTool):
    """What somebody would write with LangChain and the account's client alone."""

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    guarded: ClassVar[type[ActiveCampaignTool]]
    _account: ActiveCampaign = PrivateAttr()

    def __init__(self, account: ActiveCampaign) -> None:
        super().__init__(metadata=hints(self.guarded.endpoint))
        self._account = account

    def request(self, args: dict[str, Any]) -> Request:
        raise NotImplementedError

    def answer(self, args: dict[str, Any], reply: Any) -> tuple[str, Any]:
        raise NotImplementedError

    def before(self, args: dict[str, Any]) -> None:
        """What happens before the request."""

    def _run(self, **args: Any) -> tuple[str, Any]:
        self.before(args)
        request = self.request(args)
        return self.answer(args, self._account.send(request, mint(request)))

    async def _arun(self, **args: Any) -> tuple[str, Any]:
        request = self.request(args)
        return self.answer(args, await self._account.asend(request, mint(request)))


class Rendered:
    """A call as far as its answer needs it."""

    def __init__(self, args: Any) -> None:
        self.args = args


class BareListTags(Bare):
    guarded = ListTags
    name: str = "bare_list_tags"
    description: str = "List or search tags."
    args_schema: type[ListTagsArguments] = ListTagsArguments

    def request(self, args: dict[str, Any]) -> Request:
        return Request("GET", "/tags", (("limit", str(args["limit"])), ("search", args["search"])))

    def answer(self, args: dict[str, Any], reply: Any) -> tuple[str, Any]:
        answer = page_answer(reply, "tags", Tag, _tag_line, Rendered(ListTagsArguments(**args)))
        return answer.content, answer.artifact


class BareAddTag(Bare):
    guarded = AddTag
    name: str = "bare_add_tag"
    description: str = "Put a tag on a contact."
    args_schema: type[ContactAndTag] = ContactAndTag

    def request(self, args: dict[str, Any]) -> Request:
        return Request(
            "POST", "/contactTags", body={"contactTag": {"contact": args["contact"].id, "tag": args["tag"].id}}
        )

    def answer(self, args: dict[str, Any], reply: Any) -> tuple[str, Any]:
        return "Tagged.", one(reply, "contactTag", ContactTag)


class AskingAddTag(BareAddTag):
    """The same, but that it pauses its graph until somebody has agreed.

    Whoever asks shows whom it happens to, so it reads what the guarded one has on its card: the person, their tags,
    the tag and the lists. LangGraph runs what comes before an interrupt in both runs, so it reads them twice.
    """

    name: str = "asking_add_tag"
    reads: bool = True

    def before(self, args: dict[str, Any]) -> None:
        from langgraph.types import interrupt

        contact, tag = args["contact"].id, args["tag"].id
        paths = (f"/contacts/{contact}", f"/contacts/{contact}/contactTags", f"/tags/{tag}", "/lists")
        for path in paths if self.reads else ():
            request = Request("GET", path)
            self._account.send(request, mint(request))
        answer = interrupt({"action": self.name, "args": {name: str(ref) for name, ref in args.items()}})
        assert answer == {"decisions": [{"type": "approve"}]}


class BlindAddTag(AskingAddTag):
    """One that shows its person nothing but the arguments."""

    name: str = "blind_add_tag"
    reads: bool = False
