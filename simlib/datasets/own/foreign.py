"""Files that are not read, each with what it is and the way to a file that is."""

from pathlib import Path

LAST = "Then numpy.savez('recording.npz', X=X, target=labels), one label a trial."
# suffix -> what it holds, and how its numbers come out
REFUSED = {
    ".pt .pth .ckpt": (
        "a PyTorch file, which is unpickled: that can run code",
        "In a program that trusts it: X = torch.load(path, weights_only=True)['layer'].numpy(), "
        "(image, unit) or with its axes flattened.",
    ),
    ".safetensors": (
        "a file of tensors without names for their axes",
        "Take one out: X = safetensors.numpy.load_file(path)['layer'].",
    ),
    ".pkl .pickle .joblib .dill": (
        "a pickle, which runs code when it is opened",
        "In a program that trusts it, take out the array: X = object['rates'].",
    ),
    ".fif .set .fdt .edf .bdf .gdf .vhdr .eeg .cnt": (
        "a recording of MEG or EEG, continuous or cut into epochs",
        "With MNE: epochs = mne.read_epochs(path) (or Epochs of mne.io.read_raw(path)); X = "
        "epochs.get_data().transpose(2, 0, 1), target = epochs.events[:, 2].",
    ),
    ".nii .nii.gz .mgz .gii": (
        "an image of the brain (NIfTI or its like), without the trials of its events",
        "Estimate a pattern a trial first (betas); with nilearn: X = "
        "NiftiMasker().fit_transform(betas), (trial, voxel), target from the table of events.",
    ),
    ".xls .xlsx .ods": ("a spreadsheet", "Save the sheet as .csv, one row a trial or a value."),
    ".rds .rda .rdata": (
        "a file of R",
        "In R: write.csv(table, 'recording.csv', row.names = FALSE), one row a trial or a value.",
    ),
    ".feather .arrow .jsonl .json": (
        "a table of another format",
        "With pandas: frame = pandas.read_feather(path) (or read_json); load takes the frame.",
    ),
    ".tif .tiff .avi .mp4": (
        "images or a movie, not responses of neurons",
        "Extract the traces of neurons first (suite2p, CaImAn).",
    ),
    ".nev .ns5 .ns6 .plx .rhd .rhs .abf .smr .ncs .bin .dat .sbx": (
        "a raw file of a recording system",
        "Sort the spikes first; then datasets.processing.bin_spikes(spikes, onsets, labels) makes "
        "the recording.",
    ),
    ".gz .zip .tar .bz2 .xz .7z": ("packed", "Unpack it; load reads what is inside."),
    ".txt": ("text without a layout that is known", "A table is saved as .csv or .tsv."),
}
# what lies in a folder -> what it is, and how its numbers come out
FOLDERS = {
    "iscell.npy": (
        "a folder of suite2p",
        "F = numpy.load('F.npy')[numpy.load('iscell.npy')[:, 0] > 0] is (neuron, frame): cut it "
        "into trials around your events, X being (time, trial, neuron).",
    ),
    "spikes.times*.npy": (
        "a folder of spikes in ALF (IBL's layout)",
        "spikes = [times[clusters == c] for c in numpy.unique(clusters)] from spikes.times.npy and "
        "spikes.clusters.npy; then datasets.processing.bin_spikes(spikes, onsets, labels).",
    ),
    "spike_times.npy": (
        "a folder of sorted spikes (Kilosort, phy)",
        "spikes = [times[clusters == c] / rate for c in numpy.unique(clusters)] from "
        "spike_times.npy (in samples) and spike_clusters.npy; then "
        "datasets.processing.bin_spikes(spikes, onsets, labels).",
    ),
}


def refusal(path: Path) -> str:
    """Why this file or folder is not read, and what to do, in two lines; "" where it is unknown.

    >>> refusal(Path("layer.pt")).splitlines()[0]
    'layer.pt is a PyTorch file, which is unpickled: that can run code; load reads no such file.'
    """
    if path.is_dir():
        depths = ("", "*/", "*/*/")  # of a whole disk there is no end
        inside = [
            told
            for pattern, told in FOLDERS.items()
            if any(next(path.glob(depth + pattern), None) for depth in depths)
        ]
        what, way = (inside or [("a folder", "Name one of its files.")])[0]
    else:
        name = path.name.lower()
        known = [
            told for suffixes, told in REFUSED.items() if name.endswith(tuple(suffixes.split()))
        ]
        if not known:
            return ""
        what, way = known[0]
    last = f" {LAST}" if "X = " in way else ""
    return f"{path.name} is {what}; load reads no such file.\n{way}{last}"
