// A click on a link to a view of ours opens it in place, as the menu does, wherever it stands on the
// page; runs ticked on the overview are gathered into the link of a comparison.
(() => {
  if (window.tickedRuns) return;
  window.tickedRuns = new Set();
  const show = () => {
    for (const box of document.querySelectorAll(".ovr input[data-run]"))
      box.checked = window.tickedRuns.has(box.dataset.run);
    for (const bar of document.querySelectorAll(".ovr-bar")) {
      const runs = [...window.tickedRuns];
      bar.hidden = runs.length < 2;
      const link = bar.querySelector("a");
      const href = "/overoptimization?" + new URLSearchParams(runs.map((run) => ["run", run]));
      if (link.getAttribute("href") !== href) link.setAttribute("href", href);
      const words = `Compare ${runs.length} runs`;
      if (link.textContent !== words) link.textContent = words;
    }
  };
  document.addEventListener("change", (event) => {
    const box = event.target.closest?.(".ovr input[data-run]");
    if (!box) return;
    if (box.checked) window.tickedRuns.add(box.dataset.run);
    else window.tickedRuns.delete(box.dataset.run);
    show();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".ovr-bar button")) {
      window.tickedRuns.clear();
      show();
      return;
    }
    const link = event.target.closest?.('[data-testid="stMain"] a[href^="/"]:not([download])');
    if (!link || /^\/(api|media|_stcore)\//.test(link.getAttribute("href")) || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    event.stopPropagation();
    window.history.pushState({}, "", link.getAttribute("href"));
    window.dispatchEvent(new PopStateEvent("popstate", {state: {}}));
  }, true);
  new MutationObserver(show).observe(document.body, {childList: true, subtree: true});
  show();
})();
