package dev.muster.planner.console.browser;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import javax.imageio.ImageIO;

/** A page as the documents show it. */
public final class Picture {

    private static final int COLOURS = 256;
    /** So many of the most frequent are as they were. */
    private static final int OWN = 64;
    /** Squared; others that are nearer to each other are taken for one: what is small and rare, such as a dot, has a colour left. */
    private static final int APART = 3 * 6 * 6;

    private Picture() {}

    /** A page has few colours: with a palette of its own the picture is a third as large. */
    public static byte[] small(byte[] png) throws IOException {
        var read = ImageIO.read(new ByteArrayInputStream(png));
        var count = new HashMap<Integer, Integer>();
        for (int y = 0; y < read.getHeight(); y++) {
            for (int x = 0; x < read.getWidth(); x++) {
                count.merge(read.getRGB(x, y), 1, Integer::sum);
            }
        }
        var palette = palette(count);
        var small = new BufferedImage(read.getWidth(), read.getHeight(), BufferedImage.TYPE_BYTE_INDEXED,
                new IndexColorModel(8, palette.length, palette, 0, false, -1, DataBuffer.TYPE_BYTE));
        var nearest = new HashMap<Integer, Integer>();
        for (int y = 0; y < read.getHeight(); y++) {
            for (int x = 0; x < read.getWidth(); x++) {
                small.getRaster().setSample(x, y, 0, nearest.computeIfAbsent(read.getRGB(x, y), colour -> nearest(palette, palette.length, colour)));
            }
        }
        var out = new ByteArrayOutputStream();
        ImageIO.write(small, "png", out);
        return out.toByteArray();
    }

    private static int[] palette(Map<Integer, Integer> count) {
        var palette = new int[COLOURS];
        int size = 0;
        var byCount = count.entrySet().stream().sorted(Map.Entry.<Integer, Integer>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey())).mapToInt(Map.Entry::getKey).toArray();
        for (int colour : byCount) {
            if (size < COLOURS && (size < OWN || distance(palette[nearest(palette, size, colour)], colour) > APART)) {
                palette[size++] = colour;
            }
        }
        return Arrays.copyOf(palette, size);
    }

    private static int nearest(int[] palette, int size, int colour) {
        int best = 0;
        int least = Integer.MAX_VALUE;
        for (int i = 0; i < size && least > 0; i++) {
            int distance = distance(palette[i], colour);
            if (distance < least) {
                least = distance;
                best = i;
            }
        }
        return best;
    }

    private static int distance(int one, int other) {
        int red = (one >> 16 & 255) - (other >> 16 & 255);
        int green = (one >> 8 & 255) - (other >> 8 & 255);
        int blue = (one & 255) - (other & 255);
        return red * red + green * green + blue * blue;
    }
}
