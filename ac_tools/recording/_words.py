"""What is known to be the API's and nobody's: its keys, its words, and the keys under which ids and the like stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ac_tools.contracts._files import Shared, endpoint_files

# Beside the keys of the contracts: those of users, pipelines, stages and campaigns, which no tool answers with.
_MORE_KEYS = """
accountContact accountContacts activerss_interval addressid allow allusers analytics_campaign_name automationName
automations basemessageid basetemplateid batch bounceid bouncesoft campaign campaignMessages campaigns cardRegion
closedate companyName configs d_groupid d_id dealConnection dealCustomFieldDatum dealCustomFieldMetum dealGroup
dealGroupTotals dealGroupUsers dealStage dealTasks display_order displayOrder ed_instanceid ed_version embed_images
external fieldOption fieldOptions fieldRel fieldValue forwards groupid groups hardbounces htmlunsub htmlunsubdata
include initial_split_percent is_draft laststep ldate linkclicks listGroup lists localZoneid mail_cleanup mail_send
mail_transfer mailer_log_file managetext message_id mfaEnabled none opens password_updated_utc_timestamp public ratio
realcid reference reltype reminder_last_cron_run reminder_offset_sign replies replysys responder_existing
responder_offset responder_type schedule scheduled scheduleddate seatUser segmentname send_amt sendid showcase_stats
signature socialshares socialsharing softbounces source split_content split_offset split_offset_type split_type
split_winner_awaiting split_winner_messageid stages subject subscriberclicks survey templates textunsub textunsubdata
threadid total_amt trackinglinks tracklinks tracklinksanalytics trackreads trackreadsanalytics tweet unique
uniqueforwards uniquelinkclicks uniqueopens uniquereplies unread unsubreasons unsubscribes updates user
userConversationsPermission userGroup username users usertrackingdetails usesPreview uuid waitpreview willrecur
win_probability_initialize_date
"""

_PATHS = "api 3 me info bulk bulk_import bulkCreate fieldOption contact import users events edit"

# What refusals are known to say, in documents and recordings, and what they are likely to say.
_SENTENCES = """
a about above absent access account active after again all allowed already also an and another any api archive
archived are argument array as at attribute attributes bad be been before below between body bulk but by cannot
character characters choose class client code comma commas conflict consent contain contains could create created
customer data database day days default delete deleted delivered denied detail did disabled do does domain duplicate
each empty enabled entity error errors every exceeded exist existing exists expected expired fail failed failure false
feature field fields fix for forbidden format found from greater has have header id ids if in incorrect index inside
internal into invalid is it item items json key kind known language large later least length less limit list locale
long longer malformed maximum message method minimum minute missing mobile more most must name named negative new no
none not nothing null number numeric object objects of ok on one only operation opt opted or order orders other out
outside over page parameter parse part pass password path pattern payload per perform permission permissions permitted
plan please possible present processing property provided query queued range rate reached read reason reasons received
record records refused related relation request requests required resource result results retry right route same score
scores second seconds see send sent series server service set should show size some source state status step string
strings subscriber subscribers succeeded success successful such syntax system tag than that the their them then there
this times title to token too true try type unable unauthorized unavailable unexpected unique unknown unless
unprocessable until update updated upgrade url use used user using valid validation value values verified version view
was were whatsapp when which while whole with within without wrong yet you your
"""

# Words of settings that are the API's own, which stand as values.
_VALUES = """
acctname action active activerss all asc avatar checkbox claimed completed contact currency date datetime desc
dropdown email failed fullname get hidden html interrupted listbox mime next none nothing number overdue post radio
recurring region reminder responder single sms special split template text textarea unconfirmed upcoming waiting
"""


def listed(text: str) -> frozenset[str]:
    """A set of words from a text of them."""
    return frozenset(text.split())


_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST_KEY = 60

PEOPLES_NUMBERS = listed("phone value fieldValue defval label name title description ip ip4Sub ip4_last ip4Unsub")
"""Keys under which even a number may be somebody's."""

IDS = listed("""
account accountContacts accounts addressid automation autosyncLog cacheid campaign contact contactAutomations
contactLists contactTags created_by customerAccount customFieldId deal dealGroup dealGroupGroups dealGroups
dealGroupUsers dealId dealStage dealStages field fieldOptions fieldRels fieldValues form formid geoIps group groupid
groups id id_greater id_less ids lastblock lastlogid list listid lists message messageid nextdealid nexttaskid
optinmessageid options organization orgid owner realcid relations relid scoreValues segmentid series seriesid source
sourceid stage stages startid tag tagid threadid unsubscribeAutomation updated_by user userid waitid
""")
"""Keys whose texts of up to nine digits are ids: they name nobody outside of the account."""

COUNTS = listed("""
activitycount allgroups allusers anonymized autoassign bounced_hard bounced_soft cols completed completedElements
completeValue contactCount dealCount deleted dorder email_empty entered entitlements_violation exit_on_conversion
exit_on_unsubscribe exited forceQuery get_unsubscribe_reason gravatar hidden in_als in_group_lists isdefault
isDisabled isrequired limit mfaEnabled mpp_tracking multientry offset optinoptout optoutconf order orderid ordernum
p_embed_image p_use_analytics_link p_use_analytics_read p_use_captcha p_use_facebook p_use_tracking p_use_twitter
percent private public queued_contacts require_name responder rows send_last_broadcast sentcnt show_in_list sortable
status subscriber_count succeeded success sync total totalElements userid visible width winProbability
""")
"""Keys whose texts of up to six digits are flags and counts."""

ENUMS = listed("""
cardRegion1 cardRegion2 cardRegion3 cardRegion4 cardRegion5 channel count_deals dealOrder direction include orders
requestType schedule sort status tagType tracklinks type
""")
"""Keys whose texts are words of the API."""

_DATE_KEY = re.compile(r"(date|stamp|_at)$", re.IGNORECASE)


def parts(word: str) -> list[str]:
    """The words that a name is made of, in lower case: contactTag, contact_tag -> contact, tag."""
    return [part.lower() for part in _PART.findall(word)]


@lru_cache(maxsize=1)
def known_keys() -> frozenset[str]:
    """The keys that the API is known to have."""
    shared = Shared()
    named = {key for file in endpoint_files() for key in _properties(shared.resolved(file["$defs"]))}
    return frozenset({part for key in named for part in re.findall(r"[\w-]+", key)} | set(_MORE_KEYS.split()))


@lru_cache(maxsize=1)
def words() -> frozenset[str]:
    """The words that the API is known to use."""
    of_keys = {part for key in (*known_keys(), *_PATHS.split()) for part in parts(key)}
    return frozenset({*of_keys, *_SENTENCES.split(), *_VALUES.split()})


def is_word(text: str) -> bool:
    """Whether a text is made of known words alone; a number of one or two digits may follow one, as in cardRegion1."""
    found = parts(text)
    whole = len("".join(found)) == len(re.sub(r"[_-]", "", text))
    known = all(
        part in words() or (place > 0 and re.fullmatch(r"[0-9]{1,2}", part)) for place, part in enumerate(found)
    )
    return bool(found) and whole and known


def is_key(name: str) -> bool:
    """Whether a name is a key of the API: one that is known, or one that is made of its words.

    A new key of the API is worth knowing, and a map may be keyed by people's names or addresses.
    """
    return name in known_keys() or (len(name) <= _LONGEST_KEY and name.isidentifier() and is_word(name))


def is_date_key(name: str) -> bool:
    """Whether a name is a known key under which a day or a time of the account's own work stands."""
    return bool(_DATE_KEY.search(name)) and name in known_keys()


def _properties(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node.get("properties", {}) if isinstance(node.get("properties"), dict) else ()
        for each in node.values():
            yield from _properties(each)
    elif isinstance(node, list):
        for each in node:
            yield from _properties(each)
