// Live parts of a page: an element with data-live="URL" is replaced by what the URL gives whenever the server says,
// over one event stream, that something of the organisation changed. Without this script a page is as it was
// when it was loaded, and everything on it works.
(() => {
  const parts = () => document.querySelectorAll("[data-live]");
  if (!parts().length || !window.EventSource) return;
  let pending = false, again = false;
  const refresh = async () => {
    if (pending) { again = true; return; }
    pending = true;
    for (const part of parts()) {
      if (part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
      try {
        const answer = await fetch(part.dataset.live, { headers: { "x-live": "1" } });
        if (!answer.ok) continue;
        const text = await answer.text();
        if (text !== part.dataset.seen) { part.innerHTML = text; part.dataset.seen = text; }
      } catch { /* the next event tries again */ }
    }
    pending = false;
    if (again) { again = false; refresh(); }
  };
  const source = new EventSource(document.body.dataset.events);
  source.addEventListener("changed", refresh);
  source.addEventListener("open", refresh);
})();
