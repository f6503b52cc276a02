/** Whether this is the short form that CI runs. */
export const isShort = process.env.BROWSER_FORM === "short";

/** A width in pixels, and a color scheme. */
interface View {
  width: number;
  mode: "light" | "dark";
}

/** Lists both widths in both color schemes; in the short form, the wide one in light colors and the narrow one in dark. */
export function listViews(wide: number, narrow: number): View[] {
  const views: View[] = [
    { width: wide, mode: "light" },
    { width: narrow, mode: "dark" },
  ];
  if (!isShort) views.push({ width: wide, mode: "dark" }, { width: narrow, mode: "light" });
  return views;
}
