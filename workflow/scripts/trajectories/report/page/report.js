"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MAIN = "main metric";
  const BITS = "bits_per_byte";
  const state = { source: 0, metric: MAIN, axis: data.axis, bands: false, hidden: new Set() };

  /* Small helpers. Text from the study reaches the page only as textContent or through plain(). */

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function plain(text) {  // Plotly reads a little HTML in its labels; none of ours is meant as such
    return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function short(count) {
    for (const [unit, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
      if (count >= unit * 0.9995) return +(count / unit).toPrecision(3) + letter;
    }
    return String(count);
  }

  const share = (value) => (value === null ? "?" : value.toFixed(4));

  /* Curves: one small plot per task, so that each has its own heading, size and y axis. */

  function metricsOf(source) {
    const names = new Set();
    for (const byMetric of Object.values(source.panels)) Object.keys(byMetric).forEach((name) => names.add(name));
    return [...names];
  }

  /* What training is measured by: tokens, compute, or the loss of the same checkpoint on the study's running text. */

  function lossesOf(source) {
    return ((source.panels[data.text] || {})[BITS]) || {};
  }

  function axes() {
    const losses = data.sources.some((source) => Object.keys(lossesOf(source)).length > 0);
    return ["tokens", "compute", ...(losses ? ["loss"] : [])];
  }

  function along(source, model) {  // a place for each checkpoint of a model's line
    const tokens = source.lines[model].tokens;
    if (state.axis === "tokens") return tokens;
    if (state.axis === "loss") return (lossesOf(source)[model] || { value: tokens.map(() => null) }).value;
    return tokens.map((count) => 6 * parametersOf.get(model) * count);
  }

  const parametersOf = new Map(data.models.map((model) => [model.name, model.parameters]));

  function linesOf(task) {
    const source = data.sources[state.source];
    if (state.axis === "loss" && task.task === data.text) return undefined;
    const metric = state.metric === MAIN ? task.metric : state.metric;
    const byModel = (source.panels[task.task] || {})[metric];
    if (!byModel) return undefined;
    return Object.fromEntries(Object.entries(byModel).map(([model, own]) => [model, lineOf(source.lines[model], own, along(source, model))]));
  }

  function lineOf(shared, own, x) {  // a model's checkpoints are in the page once; a panel may lack some
    const there = own.value.map((_, i) => i).filter((i) => own.value[i] !== null && x[i] !== null);
    const doubtful = new Set(shared.doubtful), constant = new Set(own.constant || []);
    return {
      x: there.map((i) => x[i]), step: there.map((i) => shared.step[i]), tokens: there.map((i) => shared.tokens[i]),
      value: there.map((i) => own.value[i]), stderr: there.map((i) => (own.stderr ? own.stderr[i] : null)),
      questions: own.questions, doubtful: there.map((i) => doubtful.has(i)),
      constant: there.map((i) => constant.has(i)),
    };
  }

  function smallestPlace() {
    let smallest = Infinity;
    const source = data.sources[state.source];
    for (const model of Object.keys(source.lines))
      for (const place of along(source, model)) if (place > 0) smallest = Math.min(smallest, place);
    return smallest;
  }

  function hoverText(model, line, i) {
    const error = line.stderr[i] === null ? "" : " ± " + share(line.stderr[i]);
    const questions = line.questions === null ? "" : "<br>" + line.questions.toLocaleString("en") + " questions";
    const doubtful = (line.doubtful[i] ? "<br>found wrong by the audit" : "") +
      (line.constant[i] ? "<br>the same answer to everything" : "");
    const loss = state.axis === "loss" ? `<br>loss ${share(line.x[i])} bits per byte` : "";
    return `<b>${plain(model.name)}</b><br>step ${line.step[i].toLocaleString("en")}, ${short(line.tokens[i])} tokens${loss}` +
      `<br>${share(line.value[i])}${error}${questions}${doubtful}`;
  }

  function traces(byModel, zero) {
    const made = [];
    for (const model of data.models) {
      const line = byModel[model.name];
      if (!line || state.hidden.has(model.name)) continue;
      const x = line.x.map((place) => (place > 0 ? place : zero));
      if (state.bands) made.push(band(model, line, x));
      made.push({
        x, y: line.value, name: plain(model.name), mode: x.length > 40 || model.width < 1 ? "lines" : "lines+markers",
        line: { color: model.colour, width: model.width, dash: model.dash },
        marker: {
          size: line.doubtful.map((doubtful) => (doubtful ? 6 : 4)),
          color: line.doubtful.map((doubtful) => (doubtful ? "#fff" : model.colour)),
          line: { color: model.colour, width: line.doubtful.map((doubtful) => (doubtful ? 1.4 : 0)) },
        },
        text: line.step.map((_, i) => hoverText(model, line, i)), hovertemplate: "%{text}<extra></extra>",
      });
      const ticked = x.map((_, i) => i).filter((i) => line.constant[i]);
      if (ticked.length) made.push({
        x: ticked.map((i) => x[i]), y: ticked.map((i) => line.value[i]), mode: "markers", hoverinfo: "skip",
        marker: { symbol: "line-ns", size: 9, line: { color: "#000", width: 1 } },
      });
    }
    return made;
  }

  function band(model, line, x) {
    const edge = (sign) => line.value.map((value, i) => (value === null ? null : value + sign * (line.stderr[i] || 0)));
    return {
      x: x.concat([...x].reverse()), y: edge(1).concat(edge(-1).reverse()), fill: "toself", mode: "none",
      fillcolor: model.colour + "26", hoverinfo: "skip", type: "scatter",
    };
  }

  function fallingLoss() {
    return { autorange: "reversed", nticks: 5, tickangle: 0, gridcolor: "#eef0f3", zeroline: false };
  }

  function logarithmic(task, zero) {
    const values = [zero, ...Object.values(linesOf(task)).flatMap((line) => line.x)].filter((place) => place > 0);
    const powers = [];
    const low = Math.min(...values), high = Math.max(...values);
    const beside = zero * Math.max(1.5, (high / zero) ** 0.15);  // nearer to step 0 a power would be written over its mark
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 0.1; power++)
      if (10 ** power >= low * 0.8 && 10 ** power > beside) powers.push(10 ** power);
    const every = Math.ceil(powers.length / 4);
    const ticks = powers.length > 1 ? powers.filter((_, i) => i % every === 0) : [...new Set([low, high])];
    const names = ticks.map(state.axis === "tokens" ? short : (place) => place.toExponential(0).replace("e+", "e"));
    if (Object.values(linesOf(task)).some((line) => line.tokens.includes(0))) { ticks.unshift(zero); names.unshift("0"); }
    return { type: "log", tickvals: ticks, ticktext: names, tickangle: 0, gridcolor: "#eef0f3", zeroline: false };
  }

  function layoutOf(task, zero) {
    const chance = task.chance !== null && (state.metric === MAIN || state.metric === task.metric);
    return {
      margin: { l: 40, r: 8, t: 6, b: 26 }, showlegend: false, hovermode: "closest",
      font: { family: "system-ui, sans-serif", size: 11, color: "#444" }, paper_bgcolor: "#fff", plot_bgcolor: "#fff",
      xaxis: state.axis === "loss" ? fallingLoss() : logarithmic(task, zero),
      yaxis: { gridcolor: "#eef0f3", zeroline: false, tickformat: ".3~f", automargin: true },
      hoverlabel: { bgcolor: "#fff", bordercolor: "#888", align: "left", font: { size: 12, color: "#1c1e21" } },
      shapes: chance ? [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: task.chance, y1: task.chance,
        line: { color: "#777", width: 1, dash: "dash" } }] : [],
    };
  }

  const SETTINGS = { displaylogo: false, responsive: true, displayModeBar: false, showTips: false };

  function drawPanel(panel, task) {
    const lines = linesOf(task);
    if (!lines) return;
    const zero = smallestPlace() / Math.sqrt(10);
    panel.querySelector(".plot").setAttribute("aria-label", described(task, lines));
    Plotly.react(panel.querySelector(".plot"), traces(lines, zero), layoutOf(task, zero), SETTINGS);
  }

  const panels = new Map();

  function drawAll() {
    for (const [task, panel] of panels) panel.hidden = !linesOf(task);
    arrange(document.getElementById("panels"));
    for (const [task, panel] of panels) drawPanel(panel, task);
  }

  function addPanels() {
    const room = document.getElementById("panels");
    for (const task of data.tasks) {
      const widen = element("button", { type: "button", title: "enlarge", "aria-label": "enlarge " + task.label }, "⤢");
      const plot = element("div", { class: "plot", tabindex: "0", role: "img" });
      const panel = element("div", { class: "panel" }, element("div", { class: "top" }, element("h3", {}, task.label), widen), plot);
      plot.addEventListener("keydown", (event) => walk(event, plot));
      plot.addEventListener("blur", () => Plotly.Fx.unhover(plot));
      widen.addEventListener("click", () => {
        panel.classList.toggle("wide");
        Plotly.Plots.resize(panel.querySelector(".plot"));
      });
      room.append(panel);
      panels.set(task, panel);
    }
    new ResizeObserver(() => arrange(room)).observe(room);
  }

  /* As many columns as leave no row nearly empty. */

  const NARROWEST = 178, MOST_ACROSS = 6;

  function arrange(room) {
    const shown = [...panels.values()].filter((panel) => !panel.hidden).length || 1;
    const most = Math.max(1, Math.min(MOST_ACROSS, Math.floor(room.clientWidth / NARROWEST)));
    const across = Math.ceil(shown / Math.ceil(shown / most));
    room.style.gridTemplateColumns = `repeat(${across}, minmax(0, 1fr))`;
  }

  /* Arrow keys go from point to point of a curve, and from curve to curve; what is reached is shown and read out. */

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };

  function walk(event, plot) {
    const [lines, points] = STEPS[event.key] || [0, 0];
    const curves = plot.data.map((trace, i) => i).filter((i) => plot.data[i].text);
    if (!(lines || points) || curves.length === 0) return;
    event.preventDefault();
    const [line, point] = (plot.dataset.at || "0,-1").split(",").map(Number);
    const within = (value, count) => Math.max(0, Math.min(count - 1, value));
    const curve = within(line + lines, curves.length), trace = plot.data[curves[curve]];
    const place = within(point + points, trace.x.length);
    plot.dataset.at = `${curve},${place}`;
    Plotly.Fx.hover(plot, [{ curveNumber: curves[curve], pointNumber: place }]);
    document.getElementById("said").textContent = trace.text[place].replace(/<[^>]*>/g, " ");
  }

  function described(task, byModel) {  // what a screen reader says of a panel
    const parts = Object.entries(byModel).filter(([, line]) => line.value.length).map(([model, line]) =>
      `${model} from ${share(line.value[0])} to ${share(line.value[line.value.length - 1])}`);
    return `${task.label} over ${state.axis === "tokens" ? "training" : state.axis}: ${parts.length > 12 ? parts.length + " models" : parts.join("; ")}.`;
  }

  /* The legend: a button per size; where sizes have several runs, one per run as well, folded. */

  function addLegend() {
    const room = document.getElementById("legend"), buttons = [];
    const show = () => {
      for (const [button, names] of buttons) button.setAttribute("aria-pressed", String(names.some((name) => !state.hidden.has(name))));
      drawAll();
    };
    const add = (into, label, models) => {
      const names = models.map((model) => model.name), shown = (name) => !state.hidden.has(name);
      const button = legendButton(label, models[0]);
      button.addEventListener("click", () => {
        const hide = names.some(shown);
        for (const name of names) if (hide) state.hidden.add(name); else state.hidden.delete(name);
        show();
      });
      button.addEventListener("dblclick", () => {
        const alone = data.models.every((model) => shown(model.name) === names.includes(model.name));
        state.hidden = new Set(alone ? [] : data.models.map((model) => model.name).filter((name) => !names.includes(name)));
        show();
      });
      buttons.push([button, names]);
      into.append(button);
    };
    const sizes = Map.groupBy(data.models, (model) => model.size);
    for (const [size, models] of sizes) {
      const runs = models.filter((model) => !model.mean).length;
      add(room, runs > 1 ? `${size} (${runs} runs)` : models[0].name, models);
    }
    if (sizes.size === data.models.length) return;
    const single = element("div", { class: "legend" });
    for (const models of sizes.values()) if (models.length > 1) for (const model of models) add(single, model.name, [model]);
    room.after(element("details", { class: "runs on-screen" }, element("summary", {}, "single runs and their means"), single));
  }

  const DASHES = { dash: "dashed", dot: "dotted", dashdot: "dashed" };

  function legendButton(label, model) {
    const swatch = element("i");
    swatch.style.borderTop = `0.25rem ${DASHES[model.dash] || "solid"} ${model.colour}`;
    return element("button", { type: "button", "aria-pressed": "true", title: short(model.parameters) + " parameters" }, swatch, label);
  }

  function addChoice(name, options, change, first = 0) {
    const select = element("select", { "aria-label": name });
    options.forEach((option, i) => select.append(element("option", { value: i }, option)));
    select.value = String(first);
    select.addEventListener("change", () => { change(Number(select.value)); drawAll(); });
    document.getElementById("controls").append(element("label", {}, name + " ", select));
  }

  function addControls() {
    if (data.sources.length > 1)
      addChoice("Show", data.sources.map((source) => source.name), (i) => { state.source = i; });
    const others = (task) => data.sources.some((source) =>
      Object.keys(source.panels[task.task] || {}).some((metric) => metric !== task.metric));
    if (data.tasks.some(others)) {
      const options = [MAIN, ...new Set(data.sources.flatMap(metricsOf))];
      addChoice("Metric", options, (i) => { state.metric = options[i]; });
    }
    const title = (data.tasks.find((task) => task.task === data.text) || {}).label;
    const named = { loss: `loss (${title}, bits per byte)` };
    addChoice("Along", axes().map((axis) => named[axis] || axis), (i) => { state.axis = axes()[i]; }, axes().indexOf(state.axis));
    const box = element("input", { type: "checkbox", id: "bands" });
    box.addEventListener("change", () => { state.bands = box.checked; drawAll(); });
    document.getElementById("controls").append(element("label", {}, box, " standard errors"));
  }

  /* Tables: sort by a click on a heading, filter by words, copy out as TSV. */

  const MOST_ROWS = 60;

  const MISSING = "–";

  function sortKey(cell) {  // numbers whose text is exact carry no other value: "20 897", "−3"
    if (cell.textContent === MISSING) return "";
    return cell.dataset.sort ?? cell.textContent.replace(/\u2009/g, "").replace(/^\u2212/, "-");
  }

  function compare(a, b, numeric) {
    if (a === "" || b === "") return (a === "") - (b === "");  // missing last, whichever way
    return numeric ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
  }

  function sortBy(grid, column, heads) {
    const down = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => sortKey(row.cells[column]);
    const body = grid.querySelector("tbody");
    const rows = [...body.rows];
    const numeric = rows.every((row) => key(row) === "" || !Number.isNaN(Number(key(row))));
    rows.sort((a, b) => {
      const order = compare(key(a), key(b), numeric);
      return down && key(a) !== "" && key(b) !== "" ? -order : order;
    });
    body.append(...rows);
  }

  function filterBy(grid, words, count) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...grid.querySelector("tbody").rows];
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  }

  function asText(grid) {
    const line = (cells) => [...cells].map((cell) => (sortKey(cell) || "NA").replace(/[\t\n]+/g, " ").trim()).join("\t");
    const rows = [...grid.querySelector("tbody").rows].filter((row) => !row.hidden);
    return [line(grid.querySelector("thead tr").cells), ...rows.map((row) => line(row.cells))].join("\n") + "\n";
  }

  function takeAway(grid) {
    const link = element("a", { download: grid.dataset.name + ".tsv" });
    link.href = URL.createObjectURL(new Blob([asText(grid)], { type: "text/tab-separated-values" }));
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function addTools(grid) {
    const heads = [...grid.querySelectorAll("th")];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button", title: "sort" }, head.textContent);
      button.addEventListener("click", () => sortBy(grid, column, heads));
      head.replaceChildren(button);
    });
    const rows = grid.querySelector("tbody").rows.length;
    grid.querySelector(".scroll").classList.toggle("tall", rows > MOST_ROWS);
    if (rows < 8) return;
    const count = element("span", { class: "shown" });
    const filter = element("input", { type: "search", placeholder: "filter rows", "aria-label": "filter rows" });
    filter.addEventListener("input", () => filterBy(grid, filter.value, count));
    const take = element("button", { type: "button" }, "TSV");
    take.addEventListener("click", () => takeAway(grid));
    grid.prepend(element("div", { class: "tools" }, filter, take, count));
    filterBy(grid, "", count);
  }

  if (!axes().includes(state.axis)) state.axis = "tokens";
  addPanels();
  addLegend();
  addControls();
  drawAll();
  document.querySelectorAll(".grid").forEach(addTools);
  document.querySelectorAll("figure").forEach((figure) => {  // the image is in the page once; the link takes it from there
    figure.querySelector("a.svg").href = figure.querySelector("img").src;
  });
  addEventListener("beforeprint", () => document.querySelectorAll(".in-print").forEach((fold) => { fold.open = true; }));
  document.documentElement.dataset.ready = "yes";
})();
