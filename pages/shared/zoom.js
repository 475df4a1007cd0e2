// Streamlit mounts a chart anew whenever its data change, and draws a mounted one again whenever it
// likes: the reader's zoom and the lines hidden in the legend would be lost. So both are kept by the
// figure's uirevision (runs, axis, scale), set again after each drawing that is not the reader's,
// and written into the address and the link to copy.
(() => {
  if (window.keptZoom) return;
  window.keptZoom = {};
  const KEY = "zoom";
  const charts = () => [...document.querySelectorAll(".js-plotly-plot")];
  const sent = (() => {
    try {
      const zooms = JSON.parse(new URLSearchParams(location.search).get(KEY));
      return zooms && typeof zooms === "object" ? zooms : {};
    } catch {
      return {};
    }
  })();
  const keptOf = (chart) =>
    (window.keptZoom[chart.layout?.uirevision ?? charts().indexOf(chart)] ??=
      {ranges: {}, visible: {}});
  // New rows may add traces, so a trace is known by its names, not by its place.
  const keys = (chart) => {
    const seen = {};
    return chart.data.map((trace) => {
      const name = `${trace.legendgroup ?? ""}|${trace.name ?? ""}`;
      seen[name] = (seen[name] ?? 0) + 1;
      return `${name}|${seen[name]}`;
    });
  };
  const shown = (chart, name) => {
    const [axis, end] = name.split(".range");
    const range = chart._fullLayout?.[axis]?.range;
    return end ? range?.[Number(end.slice(1, -1))] : range;
  };
  const restore = (chart) => {
    const kept = keptOf(chart);
    const moved = Object.entries(kept.ranges).filter(
      ([name, value]) => String(shown(chart, name)) !== String(value));
    if (moved.length) window.Plotly.relayout(chart, Object.fromEntries(moved));
    const named = keys(chart);
    const places = named.map((_, place) => place).filter((place) =>
      named[place] in kept.visible
      && (chart.data[place].visible ?? true) !== kept.visible[named[place]]);
    if (places.length)
      window.Plotly.restyle(chart, {visible: places.map((p) => kept.visible[named[p]])}, places);
  };
  // What a link has sent is taken over once, by the place of the chart on its page.
  const takeOver = (chart) => {
    const zoom = sent[charts().indexOf(chart)];
    if (!zoom || typeof zoom !== "object") return;
    delete sent[charts().indexOf(chart)];
    const kept = keptOf(chart);
    for (const [name, value] of Object.entries(zoom.ranges ?? {}))
      if (/^[xy]axis\d*\.range(\[[01]\])?$/.test(name) && [value].flat().every(Number.isFinite)) {
        // Older links name the lowest panel's own axis, where there is now one for all panels.
        const there = chart._fullLayout?.[name.split(".")[0]];
        kept.ranges[there ? name : name.replace(/^xaxis\d*/, "xaxis")] = value;
      }
    for (const name of zoom.hidden ?? []) kept.visible[String(name)] = "legendonly";
  };
  const address = () => {
    const zooms = {...sent};  // of charts that are still to come
    charts().forEach((chart, place) => {
      const {visible} = keptOf(chart);
      const ranges = Object.fromEntries(Object.entries(keptOf(chart).ranges).filter(([name]) =>
        !chart._fullLayout?.[name.split(".")[0]]?.matches));  // such an axis follows another
      const hidden = Object.keys(visible).filter((name) => visible[name] === "legendonly");
      const found = {};
      if (Object.keys(ranges).length)
        found.ranges = Object.fromEntries(Object.entries(ranges).map(([name, value]) =>
          [name, [value].flat().map((end) => Number(Number(end).toPrecision(6)))]
        ).map(([name, ends]) => [name, name.endsWith("]") ? ends[0] : ends]));
      if (hidden.length) found.hidden = hidden;
      if (Object.keys(found).length) zooms[place] = found;
    });
    return Object.keys(zooms).length ? JSON.stringify(zooms) : null;
  };
  const written = (text) => {
    const url = new URL(text);
    const zooms = address();
    if (zooms) url.searchParams.set(KEY, zooms);
    else url.searchParams.delete(KEY);
    return url.toString();
  };
  const sync = () => {
    if (!charts().some((chart) => chart.followed)) return;
    if (new URLSearchParams(location.search).get(KEY) !== address())
      window.history.replaceState(window.history.state, "", written(location.href));
    for (const code of document.querySelectorAll('[data-testid="stPopoverBody"] code')) {
      const node = document.createTreeWalker(code, NodeFilter.SHOW_TEXT).nextNode();
      if (!node?.nodeValue.startsWith(location.origin)) continue;
      const link = written(node.nodeValue);
      if (link !== node.nodeValue) node.nodeValue = link;
    }
  };
  const attach = (chart) => {
    // Emptied and drawn again, an element has a new `on`, and nothing of ours listens any more.
    if (!chart.on || !chart.layout || chart.followed === chart.on) return;
    chart.followed = chart.on;
    takeOver(chart);
    restore(chart);
    chart.on("plotly_react", () => restore(chart));
    chart.on("plotly_afterplot", sync);  // drawn for another axis, it has another zoom, or none
    chart.on("plotly_relayout", (change) => {
      const {ranges} = keptOf(chart);
      for (const [name, value] of Object.entries(change)) {
        if (/axis\d*\.range/.test(name)) ranges[name] = value;
        if (/axis\d*\.autorange/.test(name))
          for (const old of Object.keys(ranges))
            if (old.split(".")[0] === name.split(".")[0]) delete ranges[old];
      }
      sync();
    });
    chart.on("plotly_restyle", ([change, places]) => {
      if (!("visible" in change)) return;
      const values = [change.visible].flat();
      const named = keys(chart);
      const {visible} = keptOf(chart);
      places.forEach((place, at) => (visible[named[place]] = values[at % values.length]));
      sync();
    });
  };
  // The button beside the link copies what Streamlit holds, not what is to be read.
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.('[data-testid="stPopoverBody"] [data-testid="stCode"]');
    const text = box?.querySelector("code")?.textContent?.trim();
    if (!event.target.closest?.("button") || !text?.includes(`${KEY}=`)) return;
    window.navigator.clipboard?.writeText(text);
    event.stopPropagation();
  }, true);
  const look = () => {
    charts().forEach(attach);
    sync();
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
  look();
})();
