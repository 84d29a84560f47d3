"""Lead triage: a LangGraph workflow from a file of leads to contacts, tags, deals and approved enrolments."""
