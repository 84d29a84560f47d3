"""Groups of users with their permissions, and which group may use which list."""

from ac_tools.sandbox._resource import ALL, ID, LINKS, Resource, serve, stamp_iso
from ac_tools.sandbox._shape import links
from ac_tools.sandbox._values import words

# The permissions of a group in their order, recorded 2020 and 2021; those of a new group that are not "0" follow.
_FLAGS = words(
    """
    unsubscribelink optinconfirm p_admin pgListAdd pgListEdit pgListDelete pgListHeaders pgListEmailaccount
    pgListBounce pgMessageAdd pgMessageEdit pgMessageDelete pgMessageSend pgContactAdd pgContactEdit pgContactDelete
    pgContactMerge pgContactImport pgContactApprove pgContactExport pgContactSync pgContactFilters pgContactActions
    pgContactFields pg_user_add pg_user_edit pg_user_delete pgGroupAdd pgGroupEdit pgGroupDelete pgTemplateAdd
    pgTemplateEdit pgTemplateDelete pgPersonalizationAdd pgPersonalizationEdit pgPersonalizationDelete
    pgAutomationManage pgFormEdit pgReportsCampaign pgReportsList pgReportsUser pgReportsTrend pgReportsDeal
    pgStartupReports pgStartupGettingstarted pgAccountAdd pgAccountEdit pgAccountDelete pgAccountManageCustomField
    pgDeal pgDealDelete pgDealReassign pgDealFields pgDealGroupAdd pgDealGroupEdit pgDealGroupDelete
    pgSavedResponsesManage sdate reqApproval reqApproval1st reqApprovalNotify socialdata pgMfaAdmin pgDealExport
    pgDealManageRoles pgAccountNoteAdd pgAccountNoteEdit pgAccountNoteDelete pgDealNoteAdd pgDealNoteEdit
    pgDealNoteDelete pgDealListAll pgTagManage pgContactResubscribe pgDealImport pgAccountImport pgAccountExport
    pgLandingPagesAccess pgWebPersonalizationManage
    """
)
_ON = words(
    """
    pgReportsTrend pgReportsDeal pgStartupGettingstarted pgAccountAdd pgAccountEdit pgAccountDelete
    pgAccountManageCustomField pgDeal pgDealDelete pgDealReassign pgDealFields pgDealGroupAdd pgDealGroupEdit
    pgDealGroupDelete pgContactResubscribe
    """
)
_NEW = {
    **dict.fromkeys(_FLAGS, "0"),
    **dict.fromkeys(_ON, "1"),
    "sdate": None,
    "reqApproval1st": "2",
    "reqApprovalNotify": "",
}

GROUP = Resource(
    plural="groups",
    singular="group",
    class_name="Group",
    keys={"title": "", "descript": "", **_NEW, "links": LINKS, "id": ID},
    links=links(
        "groups", "userGroups", "groupLimit", "dealGroupGroups", "listGroups", "addressGroups", "automationGroups"
    ),
    echo=("title", "descript", *_FLAGS, "links", "id"),
    answers={"p_admin": 1},
    touched={"sdate": stamp_iso},
    needs=("title",),
    newer={"pgLandingPagesAccess": "2021", "pgWebPersonalizationManage": "2021"},
)

_RIGHTS = words(
    """
    p_list_add p_list_edit p_list_delete p_list_sync p_list_filter p_message_add p_message_edit p_message_delete
    p_message_send p_subscriber_add p_subscriber_edit p_subscriber_delete p_subscriber_import p_subscriber_approve
    """
)

LIST_GROUP = Resource(
    plural="listGroups",
    singular="listGroup",
    class_name="ListGroup",
    keys={"list": "", "group": "", **dict.fromkeys(_RIGHTS, "0"), "links": LINKS, "id": ID},
    links=links("listGroups", "list", "group"),
    echo=("list", "group", "links", "id"),
    names={"listid": "list", "groupid": "group"},
    needs=("list", "group"),
)

serve(GROUP, *ALL)
serve(LIST_GROUP, *ALL)
