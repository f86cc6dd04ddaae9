// The marks of annotations in a time panel, as Grafana's application draws them: a dashed line, a bar below a region.

import { useTheme2 } from '@grafana/ui'
import { useLayoutEffect } from 'react'

export function Marks({ builder, marks }) {
  const theme = useTheme2()
  useLayoutEffect(() => {
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot
      ctx.save()
      for (const frame of marks) {
        const of = Object.fromEntries(frame.fields.map((field) => [field.name, field.values]))
        of.time?.forEach((time, index) => {
          const at = Math.round(plot.valToPos(time, 'x', true))
          if (at < bbox.left || at > bbox.left + bbox.width) return
          ctx.strokeStyle = ctx.fillStyle = theme.visualization.getColorByName(of.color[index])
          ctx.setLineDash([5, 5])
          ctx.lineWidth = 2
          ctx.beginPath()
          ctx.moveTo(at, bbox.top)
          ctx.lineTo(at, bbox.top + bbox.height)
          ctx.stroke()
        })
      }
      ctx.restore()
    })
  }, [builder, marks, theme])
  return null
}
