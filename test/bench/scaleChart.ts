export function drawChart(_results: unknown): string {
  return "";
}
