// What moves on the report page: the charts, and how tables are sorted and filtered. Without it, every table is still there.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 600px)");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const LIGHT_LINES = ["#0b5c96", "#c2410c", "#2f7d32", "#8e24aa", "#b0870a", "#00838f", "#ad1457", "#5d4037", "#3949ab", "#558b2f", "#6d6d6d", "#d32f2f"];
  const DARK_LINES = ["#6cb8ec", "#ff9d5c", "#7ccf80", "#d39be6", "#e6c34a", "#5fd3dc", "#f48fb1", "#c9ab9c", "#9fa8f0", "#b5d67f", "#b8b8b8", "#ff8a80"];

  const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const common = () => ({
    animation: !calm.matches,
    color: dark.matches ? DARK_LINES : LIGHT_LINES,
    textStyle: { color: colour("text"), fontFamily: getComputedStyle(document.body).fontFamily },
  });
  const tooltip = (more) => ({
    renderMode: "richText",
    confine: true,
    backgroundColor: colour("panel"),
    borderColor: colour("line"),
    textStyle: { color: colour("text"), fontSize: 13 },
    ...more,
  });
  const label = (size) => ({ color: colour("faint"), fontSize: size });

  // --- charts -------------------------------------------------------------------------------------------------------------

  function time(milliseconds) {
    return new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ");
  }

  const dates = { year: "{yyyy}", month: "{MMM} {yyyy}", day: "{MMM} {d}", hour: "{HH}:{mm}", minute: "{HH}:{mm}" };

  function lines() {
    const { start, step, channels, rate } = data.time;
    const shown = document.getElementById("rate").checked;
    const at = (place) => start + place * step * 3600000;
    const series = Object.entries(channels).map(([name, values]) => ({
      name,
      type: "line",
      step: values.length > 1 ? "end" : false,
      symbol: "circle",
      symbolSize: 7,
      showSymbol: values.length < 30,
      lineStyle: { width: 2 },
      data: values.map((value, place) => [at(place), value]),
    }));
    if (shown && series.length) {
      series[0].markLine = {
        silent: true,
        symbol: "none",
        lineStyle: { color: colour("text"), type: "dashed", width: 1.5 },
        label: { formatter: `Slack's rate for one channel: ${number(rate)} an hour`, position: "insideEndTop", color: colour("text"), fontSize: 12 },
        data: [{ yAxis: rate }],
      };
    }
    return {
      ...common(),
      useUTC: true,
      grid: { left: 8, right: 16, top: 46, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      legend: { type: "scroll", top: 0, left: 0, right: 0, icon: "roundRect", itemHeight: 4, itemWidth: 18, textStyle: { color: colour("text"), fontSize: 13 }, pageTextStyle: { color: colour("text") }, pageIconColor: colour("accent"), pageIconInactiveColor: colour("line") },
      tooltip: tooltip({
        trigger: "axis",
        formatter: (points) =>
          [
            step > 1 ? `${time(points[0].value[0])} UTC and the ${step} hours from then` : `${time(points[0].value[0])} UTC`,
            ...points
              .filter((point) => point.value[1] > 0)
              .sort((one, other) => other.value[1] - one.value[1])
              .map((point) => `${point.seriesName}: ${number(point.value[1])}`),
          ].join("\n"),
      }),
      xAxis: { type: "time", axisLabel: { ...label(12), hideOverlap: true, formatter: dates }, axisLine: { lineStyle: { color: colour("line") } } },
      yAxis: {
        type: "value",
        min: 0,
        minInterval: 1,
        max: shown ? (extent) => Math.max(extent.max, rate * 1.1) : undefined,
        axisLabel: { ...label(12), formatter: number },
        splitLine: { lineStyle: { color: colour("line") } },
      },
      series,
    };
  }

  function week() {
    const means = data.week[document.getElementById("of").value];
    const upright = narrow.matches;
    const hours = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"));
    const cells = means.map((mean, place) => {
      const [day, hour] = [Math.floor(place / 24), place % 24];
      return upright ? [day, hour, mean] : [hour, day, mean];
    });
    const days = { type: "category", data: DAYS, axisLabel: label(12), axisTick: { show: false }, axisLine: { show: false } };
    const times = { ...days, data: hours };
    return {
      ...common(),
      grid: { left: 4, right: 4, top: 4, bottom: 60, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      tooltip: tooltip({
        formatter: ({ value: [x, y, mean] }) => {
          const [day, hour] = upright ? [x, y] : [y, x];
          return `${DAYS[day]} ${hours[hour]}:00 UTC\n${number(mean)} messages on average`;
        },
      }),
      xAxis: { ...(upright ? days : times), position: upright ? "top" : "bottom" },
      yAxis: { ...(upright ? times : days), inverse: true },
      visualMap: {
        min: 0,
        max: Math.max(...means) || 1,
        calculable: false,
        orient: "horizontal",
        left: "center",
        bottom: 0,
        itemHeight: 160,
        formatter: number,
        text: [number(Math.max(...means)), "0"],
        textStyle: { color: colour("text") },
        inRange: { color: dark.matches ? ["#202328", "#1f5a86", "#6cb8ec", "#fdf3c0"] : ["#f2f5f8", "#9cc8e8", "#2a7fb8", "#0a2f4f"] },
      },
      series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: colour("back"), borderWidth: 2, borderRadius: 3 } }],
    };
  }

  function flow() {
    const nodes = new Map();
    const node = (depth, name) => {
      const key = `${depth} ${name}`;
      nodes.set(key, { name: key, depth });
      return key;
    };
    const links = new Map();
    const link = (source, target, value) => {
      const key = JSON.stringify([source, target]);
      links.set(key, { source, target, value: value + (links.get(key)?.value ?? 0) });
    };
    for (const [actor, route, end, count] of data.flows) {
      const middle = node(1, route);
      link(node(0, actor), middle, count);
      link(middle, node(2, end), count);
    }
    const text = (key) => key.slice(2);
    const room = narrow.matches ? 96 : 220;
    return {
      ...common(),
      tooltip: tooltip({
        formatter: ({ dataType, data: { source, target }, name, value }) =>
          dataType === "edge" ? `${text(source)} \u2192 ${text(target)}\n${number(value)}` : `${text(name)}\n${number(value)}`,
      }),
      series: [
        {
          type: "sankey",
          left: 2,
          right: room,
          top: 8,
          bottom: 8,
          nodeWidth: 12,
          nodeGap: narrow.matches ? 14 : 10,
          draggable: false,
          data: [...nodes.values()],
          links: [...links.values()],
          emphasis: { focus: "trajectory" },
          lineStyle: { color: "gradient", opacity: dark.matches ? 0.45 : 0.35 },
          label: { formatter: ({ name }) => text(name), color: colour("text"), textBorderColor: colour("back"), textBorderWidth: 3, fontSize: narrow.matches ? 11 : 13, width: room - 8, overflow: "truncate" },
        },
      ],
    };
  }

  const drawn = [];
  function draw(id, option) {
    const chart = charts.init(document.getElementById(id), null, { renderer: "canvas" });
    const again = () => chart.setOption(option(), { notMerge: true });
    again();
    drawn.push({ chart, again });
    return again;
  }
  if (document.getElementById("time")) {
    document.getElementById("rate").addEventListener("change", draw("time", lines));
    document.getElementById("of").addEventListener("change", draw("week", week));
  }
  if (document.getElementById("flow")) draw("flow", flow);
  for (const query of [dark, narrow]) query.addEventListener("change", () => drawn.forEach(({ again }) => again()));
  new ResizeObserver(() => drawn.forEach(({ chart }) => chart.resize())).observe(document.body);

  // --- tables -------------------------------------------------------------------------------------------------------------

  for (const part of document.querySelectorAll(".table")) {
    const body = part.querySelector("tbody");
    const rows = [...body.rows];
    const heads = [...part.querySelectorAll("thead th")];
    const said = part.querySelector(".count");
    const total = said.textContent;

    heads.forEach((head, column) => {
      const numeric = head.classList.contains("number");
      const value = (row) => (numeric ? Number(row.cells[column].dataset.value) : row.cells[column].textContent);
      const compare = (one, other) => (numeric ? value(one) - value(other) : value(one).localeCompare(value(other), "en"));
      head.querySelector("button").addEventListener("click", () => {
        const first = numeric ? "descending" : "ascending";
        const second = numeric ? "ascending" : "descending";
        const order = head.getAttribute("aria-sort") === first ? second : first;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        body.append(...rows.sort((one, other) => (order === "ascending" ? compare(one, other) : compare(other, one))));
      });
    });

    const input = part.querySelector("input");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const left = rows.filter((row) => !row.hidden).length;
      said.textContent = words.length ? `${number(left)} of ${number(rows.length)} rows` : total;
    });
  }
})();
