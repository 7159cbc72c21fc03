// Shows what the district's process says, as it says it.
(function () {
  "use strict";
  const at = (id) => document.getElementById(id);
  const kilowatts = (watts) => (watts == null ? "–" : (watts / 1e3).toFixed(1) + " kW");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  let zone = "Europe/Paris", plot = null, heard = 0, shown = null;

  function put(id, text, kind) {
    at(id).textContent = text;
    if (kind !== undefined) at(id).className = kind;
  }

  function clock(ms) {
    return new Date(ms).toLocaleString("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }

  // One column of times for what was and what is planned; a step stands until the next.
  function table(state) {
    const times = [], load = [], ahead = [], limit = [];
    for (const [ms, watts] of state.trace) {
      times.push(ms / 1e3), load.push(watts / 1e3), ahead.push(null), limit.push(state.limit_w / 1e3);
    }
    const until = state.now_ms + 6 * 3600e3;
    for (const [ms, watts] of state.ahead) {
      if (ms > until) break;
      const from = Math.max(ms, state.now_ms) / 1e3;
      if (times.length && from <= times[times.length - 1]) continue;
      times.push(from), load.push(null), ahead.push(watts / 1e3), limit.push(state.limit_w / 1e3);
    }
    // What is drawn last lies on top.
    return [times, limit, load, ahead];
  }

  function draw(state) {
    const data = table(state), home = at("chart");
    if (plot) {
      plot.setData(data);
      return;
    }
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    const value = (_, number) => (number == null ? "–" : number.toFixed(1) + " kW");
    plot = new uPlot(
      {
        width: home.clientWidth,
        height: 300,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
        scales: { y: { range: (_, low, high) => [Math.min(low ?? 0, 0), Math.max(high ?? 1, 1) * 1.1] } },
        axes: [
          { ...axis, values: [[3600, "{HH}:{mm}", null, null, null, null, null, null, 1], [1, "{HH}:{mm}", null, null, null, null, null, null, 1]] },
          { ...axis, size: 58, values: (_, splits) => splits.map((split) => split + " kW") },
        ],
        series: [
          { label: "time", value: "{HH}:{mm}" },
          { label: "limit", stroke: colour("limit"), width: 2, points: { show: false }, value },
          { label: "measured", stroke: colour("load"), width: 2, points: { show: false }, value },
          { label: "planned", stroke: colour("plan"), width: 2, dash: [6, 4], paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, value },
        ],
      },
      data,
      home
    );
  }

  function part(name, share) {
    const mark = document.createElement("i");
    mark.className = name;
    const place = Math.max(0, Math.min(share, 1)) * 100 + "%";
    if (name === "power") mark.style.width = place;
    else mark.style.left = place;
    return mark;
  }

  function cell(row, text, kind, small) {
    const td = row.insertCell();
    td.className = kind || "";
    td.append(text);
    if (small) {
      const line = document.createElement("small");
      line.textContent = small;
      td.append(line);
    }
    return td;
  }

  function answer(ack) {
    if (!ack.status) return ["–", ""];
    const age = ack.age_s == null ? "" : ack.age_s < 90 ? Math.round(ack.age_s) + " s ago" : Math.round(ack.age_s / 60) + " min ago";
    const tries = ack.tries_count > 1 ? "sent " + ack.tries_count + " times" : "";
    return [ack.status, [ack.reason, age, tries].filter(Boolean).join(", ")];
  }

  function building(one) {
    const row = document.createElement("tr");
    cell(row, one.title, "", one.edge + (one.kind === "public" ? ", public" : ""));
    cell(row, one.mode || one.standing, "state " + one.standing, one.why);
    row.cells[1].querySelector("small").style.fontWeight = "400";
    cell(row, kilowatts(one.power_w), "number");
    const bar = document.createElement("div"), whole = one.contract_w || 1;
    bar.className = "bar";
    if (one.power_w > 0) bar.append(part("power", one.power_w / whole));
    bar.append(part("share", one.share_w / whole));
    if (one.cap_w != null) bar.append(part("cap", one.cap_w / whole));
    cell(row, bar, "wide");
    cell(row, kilowatts(one.cap_w), "number");
    const [word, small] = answer(one.ack);
    cell(row, word, "", small);
    return row;
  }

  function note(state) {
    const plan = state.plan;
    if (plan.failed) return "The optimiser gave no plan (" + plan.failed + "): " + state.source + " counts.";
    if (plan.solve_s == null) return "No plan was made yet.";
    const gave = plan.gave_way.length ? " Gave way: " + plan.gave_way.join(", ") + "." : " Every soft limit is kept.";
    return "Planned in " + plan.solve_s.toFixed(2) + " s." + gave;
  }

  function show(state) {
    zone = state.zone;
    put("group", state.group);
    put("clock", clock(state.now_ms));
    put("load", kilowatts(state.load_w), state.load_w > state.limit_w ? "over" : "");
    put("limit", kilowatts(state.limit_w));
    const promised = state.buildings.reduce((sum, one) => sum + (one.standing === "live" && one.cap_w != null ? one.cap_w : one.share_w), state.other_w);
    put("caps", kilowatts(promised));
    put("source", state.source);
    put("note", note(state));
    put("feed", state.feed.words || "");
    if (!state.connected) put("link", "no broker", "badge broken");
    else if (!state.heartbeat_on) put("link", "no heartbeat", "badge broken");
    else put("link", "heartbeat", "badge well");
    at("rows").replaceChildren(...state.buildings.map(building));
    draw(state);
  }

  const stream = new EventSource("/live");
  stream.onmessage = (event) => {
    heard = Date.now();
    shown = JSON.parse(event.data);
    if (shown.buildings) show(shown);
  };
  stream.onerror = () => put("link", "the district's process is gone", "badge broken");
  const again = () => {
    if (!shown || !shown.buildings) return;
    if (plot) plot.destroy();
    plot = null;
    draw(shown);
  };
  addEventListener("resize", () => plot && plot.setSize({ width: at("chart").clientWidth, height: 300 }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  setInterval(() => heard && Date.now() - heard > 15e3 && put("link", "no news for a while", "badge wary"), 3e3);
})();
