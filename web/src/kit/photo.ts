/** Pictures made fit to travel. Below the limit the original goes, so that the server can read where and when it was taken. */
const ORIGINAL_UP_TO = 4 * 1024 * 1024
const LONG_SIDE = 2048

/** The size that fits into the long side allowed, never larger than it was. */
export function scaled(width: number, height: number, side = LONG_SIDE): { width: number; height: number } {
  const factor = Math.min(1, side / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) }
}

/** A file ready to send. What the browser cannot decode (HEIC on many) goes as it is and is judged by the server. */
export async function fit(file: File): Promise<{ blob: Blob; shrunk: boolean }> {
  if (file.size <= ORIGINAL_UP_TO) return { blob: file, shrunk: false }
  try {
    const picture = await load(file)
    const size = scaled(picture.naturalWidth, picture.naturalHeight)
    const canvas = document.createElement('canvas')
    canvas.width = size.width
    canvas.height = size.height
    canvas.getContext('2d')!.drawImage(picture, 0, 0, size.width, size.height)
    URL.revokeObjectURL(picture.src)
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.86))
    return blob ? { blob, shrunk: true } : { blob: file, shrunk: false }
  } catch {
    return { blob: file, shrunk: false }
  }
}

function load(file: File): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const picture = new Image()
    picture.onload = () => resolve(picture)
    picture.onerror = reject
    picture.src = URL.createObjectURL(file)
  })
}
