from pathlib import Path

from quartier.cli import alarmpage
from quartier.site.alarm_catalogue import ALARM_KINDS

PAGE = Path(__file__).parents[3] / "gateway" / "docs" / "alarms.md"


def test_the_committed_page_is_what_the_table_says():
    assert PAGE.read_text("utf-8") == alarmpage.page(), "quartier alarms --reference > gateway/docs/alarms.md"


def test_every_alarm_is_on_the_page_with_its_meaning():
    text = alarmpage.page()

    assert all(f"### {kind.code}\n" in text and kind.meaning in text for kind in ALARM_KINDS)
