// Draws the charts of a report page with uPlot: of each JSON block of class "data" in the element that it names.
(function () {
  "use strict";
  document.querySelectorAll("script.data").forEach((block) =>
    draw(JSON.parse(block.textContent), document.getElementById(block.dataset.charts))
  );

  function draw(data, home) {
    const stepped = uPlot.paths.stepped({ align: 1 });
    const toZone = (seconds) => uPlot.tzDate(new Date(seconds * 1e3), data.zone);
    // Hours of the house's own clock, on a day of 24 of them.
    const two = (number) => String(number).padStart(2, "0");
    const hours = (_, splits) =>
      splits.map((split) => {
        const at = toZone(split);
        return two(at.getHours()) + ":" + two(at.getMinutes());
      });
    const sync = uPlot.sync(home.id);

    // Dashed lines where something happened; the number is that of the table below.
    function drawMarks(plot) {
      const ctx = plot.ctx;
      ctx.save();
      ctx.strokeStyle = "#98a2b3";
      ctx.fillStyle = "#5c677d";
      ctx.font = 10 * devicePixelRatio + "px system-ui, sans-serif";
      ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.lineWidth = devicePixelRatio;
      let last = -1e9;
      data.marks.forEach((mark, index) => {
        const x = plot.valToPos(mark.at, "x", true);
        if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) return;
        ctx.beginPath();
        ctx.moveTo(x, plot.bbox.top);
        ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
        ctx.stroke();
        if (x - last > 16 * devicePixelRatio) {
          ctx.fillText(String(index + 1), x + 3 * devicePixelRatio, plot.bbox.top + 11 * devicePixelRatio);
          last = x;
        }
      });
      ctx.restore();
    }

    function series(curve) {
      const step = curve.style.startsWith("step");
      const cap = curve.label.endsWith(" cap") || curve.style === "step-plan";
      return {
        label: curve.label,
        stroke: curve.colour,
        width: curve.style === "bold" ? 2.2 : 1.3,
        dash: cap ? [8, 4] : undefined,
        paths: step ? stepped : undefined,
        points: { show: false },
        value: (_, value) => (value == null ? "-" : value.toFixed(2)),
      };
    }

    const plots = data.charts.map((chart, index) => {
      const box = document.createElement("div");
      box.className = "chart";
      const title = document.createElement("h3");
      title.textContent = chart.title + " (" + chart.unit + ")";
      box.appendChild(title);
      home.appendChild(box);
      return new uPlot(
        {
          width: home.clientWidth,
          height: index === 0 ? 380 : chart.unit.includes("kW") || index === 1 ? 190 : 140,
          tzDate: toZone,
          cursor: { sync: { key: sync.key } },
          scales: { x: { time: true } },
          axes: [{ grid: { stroke: "#edf0f5" }, values: hours }, { grid: { stroke: "#edf0f5" }, size: 52 }],
          series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" }].concat(chart.curves.map(series)),
          hooks: { draw: [drawMarks] },
        },
        [data.times].concat(chart.curves.map((curve) => curve.values)),
        box
      );
    });
    addEventListener("resize", () =>
      plots.forEach((plot) => plot.setSize({ width: home.clientWidth, height: plot.height }))
    );
  }
})();
