// The search of an index page, whose rows stand in it already.
export {};

document.documentElement.classList.add("scripted");

function start(): void {
  const search = document.querySelector<HTMLInputElement>("#search")!;
  const result = document.querySelector("output")!;
  const groups = [...document.querySelectorAll<HTMLElement>("section[data-group]")].map((section) => ({
    section,
    rows: [...section.querySelectorAll<HTMLElement>("tbody tr")].map((row) => ({ row, text: row.textContent!.toLowerCase() })),
    name: section.querySelector("h2")!.textContent!.toLowerCase(),
  }));
  const filter = (): void => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { section, rows, name } of groups) {
      let any = false;
      for (const { row, text } of rows) {
        const fits = words.every((word) => text.includes(word) || name.includes(word));
        row.hidden = !fits;
        if (fits) shown++;
        any ||= fits;
      }
      section.hidden = !any;
    }
    result.textContent = words.length ? `${shown} of ${groups.reduce((sum, group) => sum + group.rows.length, 0)}` : "";
  };
  search.addEventListener("input", filter);
  document.querySelector("#theme")!.addEventListener("click", () => {
    const { dataset } = document.documentElement;
    const dark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    dataset.theme = dark ? "light" : "dark";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target === search) return;
    event.preventDefault();
    search.focus();
  });
  filter();
}

document.addEventListener("DOMContentLoaded", start);
