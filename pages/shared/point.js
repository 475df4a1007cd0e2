// A click on a point of a curve of rewards names its responses below the chart: a link to those of
// its run and steps. The figure tells both: the run by the legend's group, the steps in its words.
(() => {
  if (window.pointsFollowed) return;
  window.pointsFollowed = true;
  const whole = (text) => Number(text.replaceAll(",", "").replace("−", "-"));
  const name = (chart, point) => {
    const line = document.querySelector(".to-rsp");
    const run = point.data?.legendgroup;
    const steps = [point.customdata].flat()[1];
    if (!line || !run || typeof steps !== "string" || !steps) return;
    if (!JSON.parse(line.dataset.runs).includes(run)) return;
    const ends = steps.split("–").map(whole);
    if (!ends.every(Number.isSafeInteger)) return;
    const link = line.querySelector(".point");
    const asked = [["run", run], ["from", ends[0]], ["to", ends[ends.length - 1]]];
    if (line.dataset.until) asked.push(["until", line.dataset.until]);
    link.setAttribute("href", "/responses?" + new URLSearchParams(asked));
    link.textContent = `the point that you clicked, step ${steps}`;
    line.querySelector(".hint").hidden = true;
  };
  const follow = () => {
    for (const chart of document.querySelectorAll(".js-plotly-plot")) {
      if (!chart.on || chart.pointed === chart.on) continue;
      chart.pointed = chart.on;
      chart.on("plotly_click", (event) => event.points?.[0] && name(chart, event.points[0]));
    }
  };
  new MutationObserver(follow).observe(document.body, {childList: true, subtree: true});
  follow();
})();
