"""The report in a real browser: nothing fails, nothing is fetched, tables sort and filter, curves can be hovered."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.made_report import NASTY, made_report, made_report_along_the_loss, made_tables
from trajectories.tables import read_table

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)"
)

ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1300,1000",
)  # fmt: skip

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
"""Accessibility rules, from npm: `make install-test` puts them there where there is an npm."""

Browser = Any


def start(profile: Path) -> Browser:
    options = webdriver.ChromeOptions()
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    return made_report(made_tables(folder), folder)


@pytest.fixture
def opened(browser: Browser, report: Path) -> Browser:
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(report.as_uri())
    wait_for(browser, "return document.documentElement.dataset.ready === 'yes'")
    return browser


def wait_for(browser: Browser, script: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 30).until(lambda driver: driver.execute_script(script))


def column(browser: Browser, grid: str, place: int, read: str) -> list[str]:
    script = (
        "return [...document.querySelectorAll(`[data-name='${arguments[0]}'] tbody tr:not([hidden])`)]"
        f".map((row) => row.cells[arguments[1]].{read})"
    )
    return list(browser.execute_script(script, grid, place))


def heading(browser: Browser, grid: str, place: int) -> Callable[[], None]:
    button = browser.find_elements("css selector", f"[data-name='{grid}'] th button")[place]
    return lambda: browser.execute_script("arguments[0].click()", button)


def test_it_loads_silently_and_asks_no_host(opened: Browser, report: Path) -> None:
    complaints = [entry["message"] for entry in opened.get_log("browser")]
    assert complaints == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert report.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_a_nasty_label_stays_text(opened: Browser) -> None:
    assert opened.title == f"Study {NASTY}"
    headings = [item.text for item in opened.find_elements("css selector", ".panel h3")]
    assert headings == [NASTY, "Truthful QA"]
    assert opened.find_elements("css selector", "main b") == []


def test_every_curve_is_drawn(opened: Browser) -> None:
    lines = opened.execute_script(
        "return [...document.querySelectorAll('.plot')]"
        ".map((plot) => plot.querySelectorAll('.scatterlayer .trace').length)"
    )
    assert lines == [3, 3]
    sizes = opened.execute_script(
        "return [...document.querySelectorAll('.plot .scatterlayer path.js-line')].map((p) => p.getTotalLength())"
    )
    assert min(sizes) > 50, "lines have a length on the screen"


def test_pointing_at_a_curve_tells_everything(opened: Browser) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    plot = opened.find_element("css selector", ".plot")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plot)
    hollow = plot.find_elements("css selector", ".scatterlayer .trace:nth-child(2) path.point")[2]
    ActionChains(opened).move_to_element(hollow).perform()
    wait_for(opened, "return document.querySelector('.hoverlayer .hovertext') !== null")
    shown = opened.execute_script("return document.querySelector('.hoverlayer .hovertext').textContent")
    value = opened.execute_script(
        "return JSON.parse(document.getElementById('data').textContent).sources[0].panels.memo.accuracy.small.value[2]"
    )
    for part in ("small", "step 10, 10k tokens", f"{value:.4f} ± 0.0200", "50 questions", "found wrong by the audit"):
        assert part in shown


def test_tables_sort_both_ways_by_number(opened: Browser) -> None:
    opened.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    click = heading(opened, "accuracy", 1)
    click()
    ascending = [float(step) for step in column(opened, "accuracy", 1, "textContent.replace(/\\u2009/g, '')")]
    assert ascending == sorted(ascending)
    assert ascending[0] != ascending[-1]
    click()
    assert [float(step) for step in column(opened, "accuracy", 1, "textContent.replace(/\\u2009/g, '')")] == ascending[
        ::-1
    ]
    mark = opened.find_elements("css selector", "[data-name='accuracy'] th")[1].get_attribute("aria-sort")
    assert mark == "descending"


def test_tables_filter_by_every_word(opened: Browser) -> None:
    opened.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    field = opened.find_element("css selector", "[data-name='accuracy'] input[type=search]")
    field.send_keys("SMALL mc1")
    assert set(column(opened, "accuracy", 0, "textContent")) == {"small"}
    assert opened.find_element("css selector", "[data-name='accuracy'] .shown").text == "5 of 30 rows"


def test_models_metric_and_source_can_be_switched(opened: Browser) -> None:
    count = "return document.querySelectorAll('.panel:not([hidden]) .scatterlayer .trace').length"
    opened.find_element("css selector", "#legend button").click()
    wait_for(opened, count + " === 4")
    opened.find_element("css selector", "#legend button").click()
    selects = opened.find_elements("css selector", "#controls select")
    names = [[option.text for option in select.find_elements("css selector", "option")] for select in selects]
    assert names == [
        ["harness protocol", "paper (published)"],
        ["main metric", "accuracy", "accuracy_norm", "mc1"],
        ["tokens", "compute"],
    ]
    selects[1].find_elements("css selector", "option")[2].click()
    wait_for(opened, "return document.querySelectorAll('.panel:not([hidden])').length === 1")


def test_curves_go_along_tokens_compute_and_the_loss(browser: Browser, tmp_path: Path) -> None:
    """The loss falls to the right, and the text it is measured on has no panel then; each is a choice away."""
    browser.get(made_report_along_the_loss(tmp_path).as_uri())
    wait_for(browser, "return document.documentElement.dataset.ready === 'yes'")
    panels = "return [...document.querySelectorAll('.panel:not([hidden]) h3')].map((h) => h.textContent)"
    drawn = (
        "return [...document.querySelectorAll('.panel:not([hidden]) .plot')].map((plot) =>"
        " [plot._fullLayout.xaxis.type, plot._fullLayout.xaxis.range, plot.data[0].x])"
    )
    tables = read_table(tmp_path / "accuracy.tsv", "accuracy")
    tiny = tables[(tables["model"] == "tiny") & (tables["metric"] == "bits_per_byte")]
    assert browser.execute_script(panels) == [NASTY, "Truthful QA"]
    kind, (left, right), places = browser.execute_script(drawn)[0]
    assert kind == "linear"
    assert left > right
    assert places == pytest.approx(tiny["value"].tolist(), rel=1e-4)
    along = browser.find_elements("css selector", "#controls select")[-1]
    choices = along.find_elements("css selector", "option")
    assert [choice.text for choice in choices] == ["tokens", "compute", "loss (Held-out Text, bits per byte)"]
    for choice, times in ((1, 6 * 1000), (0, 1)):
        choices[choice].click()
        wait_for(browser, "return document.querySelectorAll('.panel:not([hidden])').length === 3")
        kind, (left, right), places = browser.execute_script(drawn)[0]
        assert kind == "log"
        assert left < right
        assert places[1:] == [tokens * times for tokens in tiny["tokens"].tolist()[1:]]
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    assert complaints == []


def test_arrow_keys_go_along_a_curve_and_say_where_they_are(opened: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    plot = opened.find_element("css selector", ".plot")
    opened.execute_script("arguments[0].focus()", plot)
    plot.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    said = opened.execute_script("return document.getElementById('said').textContent")
    assert "small" in said
    assert "step 1, 1k tokens" in said
    assert plot.get_attribute("aria-label").startswith(f"{NASTY} over training: tiny from ")


@pytest.mark.parametrize("width", [1300, 390])
def test_nothing_is_out_of_reach(opened: Browser, width: int) -> None:
    """The rules of axe-core, contrast among them, hold with all unfolded, and a phone need not scroll aside."""
    if not AXE.exists():
        pytest.skip("needs axe-core (npm)")
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    opened.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    opened.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    found = opened.execute_async_script(
        "const end = arguments[0]; axe.run({resultTypes: ['violations']}).then((all) => end(all.violations.map("
        "(each) => each.id + ': ' + each.nodes.map((node) => node.html.slice(0, 120)).join(' | '))))"
    )
    wide = opened.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert found == []
    assert wide == 0


def test_printing_gives_a_document(opened: Browser) -> None:
    """The printed figure stands for the curves, and controls are gone."""
    opened.execute_cdp_cmd("Page.printToPDF", {})
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    seen = "return arguments[0].map((selector) => document.querySelector(selector).checkVisibility())"
    shown = opened.execute_script(seen, ["nav", "#panels", "#controls", "#figure-accuracy img"])
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == [False, False, False, True]


def test_a_screenshot_shows_lines_in_the_models_colours(opened: Browser, tmp_path: Path) -> None:
    from PIL import Image

    plot = opened.find_element("css selector", ".plot")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", plot)
    plot.screenshot(str(tmp_path / "plot.png"))
    models = opened.execute_script("return JSON.parse(document.getElementById('data').textContent).models")
    with Image.open(tmp_path / "plot.png") as image:
        pixels = image.convert("RGB").getcolors(image.width * image.height) or []
    for model in models:
        wanted = [int(model["colour"][place : place + 2], 16) for place in (1, 3, 5)]
        near = sum(count for count, colour in pixels if alike(colour, wanted))
        assert near > 60, f"the line of {model['name']} is on the screen"


def alike(colour: Any, wanted: list[int]) -> bool:
    return max(abs(a - b) for a, b in zip(colour, wanted, strict=True)) < 24
